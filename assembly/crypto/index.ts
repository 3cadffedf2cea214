// Hashes, codes and signatures.

export { constantTimeEquals } from "./equal";
export { SHA256_BLOCK_SIZE, SHA256_SIZE, Sha256, sha256 } from "./sha256";
export { HmacSha256 } from "./hmac";
export { P256_SIZE, bitLength, ecdsaSignature, p256PublicKey, rsaPublicKey } from "./der";
export { SignatureVerdict, canVerifySignatures, verifySignature } from "./verify-signature";
