import { Bytes } from "../../bytes";
import { decodeHex } from "../../encoding";
import { isEd25519Key, verifyEd25519 } from "..";

function hex(text: string): Bytes {
  const bytes = decodeHex(Bytes.utf8(text));
  return bytes === null ? Bytes.at(0, 0) : bytes;
}

function flipped(byte: u8, bit: u8): u8 {
  const one: u8 = 1;
  return byte ^ (one << bit);
}

function verifies(key: string, text: string, signature: string): bool {
  return verifyEd25519(hex(key), hex(signature), hex(text));
}

const KEY: string = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
const SIGNATURE: string =
  "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";

describe("Ed25519", () => {
  test("RFC 8032, section 7.1", () => {
    expect(verifies(KEY, "", SIGNATURE)).toBe(true);
    expect(
      verifies(
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
      ),
    ).toBe(true);
    expect(
      verifies(
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
      ),
    ).toBe(true);
  });

  test("not with one bit changed, of text, key or signature", () => {
    expect(verifies(KEY, "00", SIGNATURE)).toBe(false);
    for (let i = 0; i < 64; ++i) {
      const changed = hex(SIGNATURE);
      changed[i] = flipped(changed[i], (<u8>i) & 7);
      expect(verifyEd25519(hex(KEY), changed, hex(""))).toBe(false);
    }
    for (let i = 0; i < 32; ++i) {
      const changed = hex(KEY);
      changed[i] = flipped(changed[i], (<u8>i) & 7);
      expect(verifyEd25519(changed, hex(SIGNATURE), hex(""))).toBe(false);
    }
  });

  test("keys are points, in their one encoding", () => {
    expect(isEd25519Key(hex(KEY))).toBe(true);
    expect(isEd25519Key(hex(KEY.substring(2)))).toBe(false);
    // y = 2 is on no point of the curve; y = p + 1 and p are 1 and 0; y = 1 has no odd x.
    expect(isEd25519Key(hex("0200000000000000000000000000000000000000000000000000000000000000"))).toBe(false);
    expect(isEd25519Key(hex("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"))).toBe(false);
    expect(isEd25519Key(hex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"))).toBe(false);
    expect(isEd25519Key(hex("0100000000000000000000000000000000000000000000000000000000000080"))).toBe(false);
  });
});
