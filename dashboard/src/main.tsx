import { render } from "preact";
import { App } from "./app.tsx";
import { enter } from "./session.ts";

const root = document.getElementById("app");
if (root === null) throw new Error("the page has no place for the app");

await enter();
render(<App />, root);
