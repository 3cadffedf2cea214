export { KeyError, parseKey, readKeys, type TrustedKey } from "./keys.ts";
export { signImage, verifyImageSignature, type ImageSignature } from "./simple-signing.ts";
export { namesOf, SignatureError, verifyDetached } from "./verify.ts";
