import { Bytes } from "../../bytes";
import { decodeHex, encodeHex } from "../../encoding";
import {
  BlockHash,
  Hmac,
  HmacSha1,
  HmacSha384,
  HmacSha512,
  Sha1,
  Sha224,
  Sha256,
  Sha384,
  Sha512,
  pbkdf2Sha256,
  sha1,
  sha384,
  sha512,
} from "..";

function hexOf(bytes: Bytes): string {
  return encodeHex(bytes).toString();
}

function hex(text: string): Bytes {
  return decodeHex(Bytes.utf8(text))!;
}

function repeated(byte: u8, count: i32): Bytes {
  const bytes = Bytes.allocate(count);
  memory.fill(bytes.pointer, byte, count);
  return bytes;
}

const SHORT: string = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
const LONG: string =
  "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno" +
  "ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu";

/** Digests of the examples of FIPS 180: "abc", nothing, the text of its second example, and a million times "a". */
function expectExamples(hash: BlockHash, second: string, digests: string[]): void {
  expect(hexOf(hash.reset().update(Bytes.utf8("abc")).digest())).toBe(digests[0]);
  expect(hexOf(hash.reset().digest())).toBe(digests[1]);
  expect(hexOf(hash.reset().update(Bytes.utf8(second)).digest())).toBe(digests[2]);
  const part = repeated(0x61, 999);
  hash.reset();
  for (let i = 0; i < 1001; ++i) hash.update(part);
  expect(hexOf(hash.update(repeated(0x61, 1)).digest())).toBe(digests[3]);
}

/** Parts of any size give the digest of the whole, whatever the padding. */
function expectParts(hash: BlockHash): void {
  const data = new Uint8Array(300);
  for (let i = 0; i < 300; ++i) data[i] = <u8>(i * 7);
  const whole = Bytes.of(data);
  for (let size = 0; size <= 300; ++size) {
    const text = whole.slice(0, size);
    const expected = hexOf(hash.reset().update(text).digest());
    for (let cut = 0; cut <= size; cut += 61) {
      expect(hexOf(hash.reset().update(text.slice(0, cut)).update(text.slice(cut)).digest())).toBe(expected);
    }
  }
}

describe("the examples of FIPS 180", () => {
  test("Sha1", () => {
    expectExamples(new Sha1(), SHORT, [
      "a9993e364706816aba3e25717850c26c9cd0d89d",
      "da39a3ee5e6b4b0d3255bfef95601890afd80709",
      "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
      "34aa973cd4c4daa4f61eeb2bdbad27316534016f",
    ]);
  });

  test("Sha224", () => {
    expectExamples(new Sha224(), SHORT, [
      "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7",
      "d14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f",
      "75388b16512776cc5dba5da1fd890150b0c6455cb4f58b1952522525",
      "20794655980c91d8bbb4c1ea97618a4bf03f42581948b2ee4ee7ad67",
    ]);
  });

  test("Sha384", () => {
    expectExamples(new Sha384(), LONG, [
      "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
      "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b",
      "09330c33f71147e83d192fc782cd1b4753111b173b3b05d22fa08086e3b0f712fcc7c71a557e2db966c3e9fa91746039",
      "9d0e1809716474cb086e834e310a4a1ced149e9c00f248527972cec5704c2a5b07b8b3dc38ecc4ebae97ddd87f3d8985",
    ]);
  });

  test("Sha512", () => {
    expectExamples(new Sha512(), LONG, [
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" +
        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
      "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce" +
        "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
      "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018" +
        "501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909",
      "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973eb" +
        "de0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b",
    ]);
  });

  test("in one call", () => {
    const abc = Bytes.utf8("abc");
    expect(hexOf(sha1(abc))).toBe(hexOf(new Sha1().update(abc).digest()));
    expect(hexOf(sha384(abc))).toBe(hexOf(new Sha384().update(abc).digest()));
    expect(hexOf(sha512(abc))).toBe(hexOf(new Sha512().update(abc).digest()));
  });

  test("in parts", () => {
    expectParts(new Sha1());
    expectParts(new Sha224());
    expectParts(new Sha384());
    expectParts(new Sha512());
  });
});

/** The codes of the test cases of RFC 4231 and RFC 2202 by key and text; see there. */
function expectCodes<H extends BlockHash>(keys: Bytes[], texts: Bytes[], codes: string[]): void {
  for (let i = 0; i < codes.length; ++i) {
    const key = new Hmac<H>(keys[i]);
    expect(hexOf(key.sign(texts[i]))).toBe(codes[i], `case ${i}`);
    expect(key.verify(texts[i], hex(codes[i]))).toBe(true);
    expect(key.verify(texts[i], hex(codes[i]).slice(1))).toBe(false);
  }
}

describe("HMAC", () => {
  test("RFC 4231", () => {
    const keys: Bytes[] = [
      repeated(0x0b, 20),
      Bytes.utf8("Jefe"),
      repeated(0xaa, 20),
      hex("0102030405060708090a0b0c0d0e0f10111213141516171819"),
      repeated(0xaa, 131),
      repeated(0xaa, 131),
    ];
    const texts: Bytes[] = [
      Bytes.utf8("Hi There"),
      Bytes.utf8("what do ya want for nothing?"),
      repeated(0xdd, 50),
      repeated(0xcd, 50),
      Bytes.utf8("Test Using Larger Than Block-Size Key - Hash Key First"),
      Bytes.utf8(
        "This is a test using a larger than block-size key and a larger than block-size data. " +
          "The key needs to be hashed before being used by the HMAC algorithm.",
      ),
    ];
    expectCodes<Sha224>(keys, texts, [
      "896fb1128abbdf196832107cd49df33f47b4b1169912ba4f53684b22",
      "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44",
      "7fb3cb3588c6c1f6ffa9694d7d6ad2649365b0c1f65d69d1ec8333ea",
      "6c11506874013cac6a2abc1bb382627cec6a90d86efc012de7afec5a",
      "95e9a0db962095adaebe9b2d6f0dbce2d499f112f2d2b7273fa6870e",
      "3a854166ac5d9f023f54d517d0b39dbd946770db9c2b95c9f6f565d1",
    ]);
    expectCodes<Sha256>(keys, texts, [
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
      "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
      "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
      "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
    ]);
    expectCodes<Sha384>(keys, texts, [
      "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6",
      "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
      "88062608d3e6ad8a0aa2ace014c8a86f0aa635d947ac9febe83ef4e55966144b2a5ab39dc13814b94e3ab6e101a34f27",
      "3e8a69b7783c25851933ab6290af6ca77a9981480850009cc5577c6e1f573b4e6801dd23c4a7d679ccf8a386c674cffb",
      "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952",
      "6617178e941f020d351e2f254e8fd32c602420feb0b8fb9adccebb82461e99c5a678cc31e799176d3860e6110c46523e",
    ]);
    expectCodes<Sha512>(keys, texts, [
      "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde" +
        "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854",
      "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554" +
        "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
      "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39" +
        "bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb",
      "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3db" +
        "a91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd",
      "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352" +
        "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598",
      "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944" +
        "b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58",
    ]);
  });

  test("RFC 2202", () => {
    const keys: Bytes[] = [repeated(0x0b, 20), Bytes.utf8("Jefe"), repeated(0xaa, 20), repeated(0xaa, 80)];
    const texts: Bytes[] = [
      Bytes.utf8("Hi There"),
      Bytes.utf8("what do ya want for nothing?"),
      repeated(0xdd, 50),
      Bytes.utf8("Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data"),
    ];
    expectCodes<Sha1>(keys, texts, [
      "b617318655057264e28bc0b6fb378c8ef146be00",
      "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
      "125d7342b9ac11cd91a39af48aa17b4f63f175d3",
      "e8e99d0f45237d786d6bbaa7965c7808bbff1a91",
    ]);
  });

  test("by the names of the algorithms", () => {
    const key = Bytes.utf8("key");
    const text = Bytes.utf8("text");
    expect(hexOf(new HmacSha1(key).sign(text))).toBe(hexOf(new Hmac<Sha1>(key).sign(text)));
    expect(hexOf(new HmacSha384(key).sign(text))).toBe(hexOf(new Hmac<Sha384>(key).sign(text)));
    expect(hexOf(new HmacSha512(key).sign(text))).toBe(hexOf(new Hmac<Sha512>(key).sign(text)));
  });
});

describe("PBKDF2", () => {
  test("the examples of RFC 7914, section 11", () => {
    expect(hexOf(pbkdf2Sha256(Bytes.utf8("passwd"), Bytes.utf8("salt"), 1))).toBe(
      "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc",
    );
    expect(hexOf(pbkdf2Sha256(Bytes.utf8("Password"), Bytes.utf8("NaCl"), 80_000))).toBe(
      "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56",
    );
  });
});
