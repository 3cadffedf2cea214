// Hashes, codes and signatures.

export { constantTimeEquals } from "./equal";
export { BlockHash } from "./block-hash";
export { Sha1, sha1 } from "./sha1";
export { SHA256_SIZE, Sha224, Sha256, sha256 } from "./sha256";
export { Sha384, Sha512, sha384, sha512 } from "./sha512";
export { Hmac, HmacSha1, HmacSha256, HmacSha384, HmacSha512 } from "./hmac";
export { pbkdf2Sha256 } from "./pbkdf2";
export { ED25519_KEY_SIZE, isEd25519Key, verifyEd25519 } from "./ed25519";
export { RsaPssKey } from "./rsa-pss";
export {
  P256_SIZE,
  P384_SIZE,
  P521_SIZE,
  ecPublicKey,
  bitLength,
  ecdsaSignature,
  p256PublicKey,
  rsaPublicKey,
} from "./der";
export { SignatureVerdict, canVerifySignatures, verifySignature } from "./verify-signature";
