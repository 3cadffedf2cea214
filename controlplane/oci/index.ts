export { credentialsFor, type Credentials } from "./credentials.ts";
export { createImage, type Image, type Variant } from "./image.ts";
export { writeLayout } from "./layout.ts";
export { OciError } from "./oci-error.ts";
export { pullModule, type PulledModule } from "./pull.ts";
export { pushImage } from "./push.ts";
export { formatReference, parseReference, type Reference } from "./reference.ts";
export { isLoopback, reasonOf } from "./registry.ts";
export { readBody } from "./body.ts";
