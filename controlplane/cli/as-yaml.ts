// Loaded where it is used. A package of CommonJS that is imported by itself at run time has no names in a bundle.
export { stringify } from "yaml";
