import { Bytes } from "../../bytes";
import { arenaAllocate } from "../../runtime/arena";
import { decodeBase64Url, decodeHex, encodeHex } from "../../encoding";
import {
  HmacSha256,
  Sha256,
  bitLength,
  constantTimeEquals,
  ecdsaSignature,
  p256PublicKey,
  rsaPublicKey,
  sha256,
} from "..";

function hex(text: string): Bytes {
  const bytes = decodeHex(Bytes.utf8(text));
  return bytes === null ? Bytes.at(0, 0) : bytes;
}

function base64Url(text: string): Bytes {
  const bytes = decodeBase64Url(Bytes.utf8(text));
  return bytes === null ? Bytes.at(0, 0) : bytes;
}

function hexOf(bytes: Bytes | null): string {
  return bytes === null ? "null" : encodeHex(bytes).toString();
}

function repeated(byte: u8, count: i32): Bytes {
  const pointer = arenaAllocate(count);
  memory.fill(pointer, byte, count);
  return Bytes.at(pointer, count);
}

describe("SHA-256", () => {
  test("the examples of FIPS 180", () => {
    expect(hexOf(sha256(Bytes.utf8("abc")))).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect(hexOf(sha256(Bytes.utf8("")))).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect(hexOf(sha256(Bytes.utf8("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")))).toBe(
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    );
    expect(hexOf(sha256(repeated(0x61, 1_000_000)))).toBe(
      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
    );
  });

  test("parts of any size give the digest of the whole", () => {
    const data = new Uint8Array(300);
    for (let i = 0; i < 300; ++i) data[i] = <u8>(i * 7);
    const whole = Bytes.of(data);
    for (let size = 0; size <= 300; size += 11) {
      const text = whole.slice(0, size);
      const expected = hexOf(sha256(text));
      for (let cut = 0; cut <= size; cut += 13) {
        const hash = new Sha256().update(text.slice(0, cut)).update(text.slice(cut));
        expect(hexOf(hash.digest())).toBe(expected);
      }
    }
  });

  test("a hash resumes from another without changing it", () => {
    const first = new Sha256().update(Bytes.utf8("a"));
    const second = new Sha256().resumeFrom(first).update(Bytes.utf8("bc"));
    expect(hexOf(second.digest())).toBe(hexOf(sha256(Bytes.utf8("abc"))));
    expect(hexOf(first.digest())).toBe(hexOf(sha256(Bytes.utf8("a"))));
  });
});

describe("HMAC-SHA-256", () => {
  test("RFC 7515, A.1", () => {
    const key = new HmacSha256(
      base64Url("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"),
    );
    const text = Bytes.utf8(
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9" +
        ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
    );
    expect(key.verify(text, base64Url("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"))).toBe(true);
    expect(key.verify(text.slice(1), base64Url("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"))).toBe(false);
  });
});

describe("constant-time comparison", () => {
  test("equal only when every byte is", () => {
    expect(constantTimeEquals(hex("00ff10"), hex("00ff10"))).toBe(true);
    expect(constantTimeEquals(hex(""), hex(""))).toBe(true);
    expect(constantTimeEquals(hex("00ff10"), hex("00ff11"))).toBe(false);
    expect(constantTimeEquals(hex("80ff10"), hex("00ff10"))).toBe(false);
    expect(constantTimeEquals(hex("00ff"), hex("00ff10"))).toBe(false);
  });
});

describe("DER", () => {
  test("the RSA key of RFC 7515, A.2", () => {
    // As OpenSSL writes the same key.
    const n = base64Url(
      "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT" +
        "-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQ" +
        "OS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj" +
        "8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
    );
    expect(bitLength(n)).toBe(2048);
    const der = rsaPublicKey(n, base64Url("AQAB"));
    expect(der.size).toBe(294);
    expect(hexOf(der.slice(0, 33))).toBe("30820122300d06092a864886f70d01010105000382010f003082010a0282010100");
    expect(hexOf(der.slice(33, 37))).toBe("a1f8160a");
    expect(hexOf(der.slice(289))).toBe("0203010001");
    // A zero in front of the modulus changes nothing.
    const longer = hex(`00${hexOf(n)}`);
    expect(hexOf(rsaPublicKey(longer, base64Url("AQAB")))).toBe(hexOf(der));
  });

  test("lengths below and above 128 bytes", () => {
    expect(hexOf(rsaPublicKey(hex("7f"), hex("03")))).toBe(
      "301a300d06092a864886f70d010101050003090030060201" + "7f020103",
    );
    expect(hexOf(rsaPublicKey(repeated(0x7f, 128), hex("03")).slice(0, 3))).toBe("30819c");
  });

  test("the P-256 key of RFC 7515, A.3", () => {
    const x = base64Url("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU");
    const y = base64Url("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
    expect(hexOf(p256PublicKey(x, y))).toBe(
      `3059301306072a8648ce3d020106082a8648ce3d03010703420004${hexOf(x)}${hexOf(y)}`,
    );
    expect(hexOf(p256PublicKey(x.slice(1), y))).toBe("null");
    expect(hexOf(p256PublicKey(x, hex(hexOf(y) + "00")))).toBe("null");
  });

  test("an ECDSA signature takes numbers without zeros in front, and with a sign byte", () => {
    const one = "00".repeat(31) + "01";
    const high = "80" + "00".repeat(31);
    expect(hexOf(ecdsaSignature(hex(one + one)))).toBe("3006020101020101");
    expect(hexOf(ecdsaSignature(hex(high + one)))).toBe(`302602210080${"00".repeat(31)}020101`);
    expect(hexOf(ecdsaSignature(hex(one + ("007f" + "00".repeat(30)))))).toBe(`3024020101021f7f${"00".repeat(30)}`);
    expect(hexOf(ecdsaSignature(repeated(0xff, 132), 66)!.slice(0, 7))).toBe("30818a02430" + "0ff");
  });

  test("an ECDSA signature of another length, or with a zero, is none", () => {
    const one = "00".repeat(31) + "01";
    const zero = "00".repeat(32);
    const cases = ["", one, one + one + "00", zero + one, one + zero, zero + zero, one + one.substring(2)];
    for (let i = 0; i < cases.length; ++i) expect(hexOf(ecdsaSignature(hex(cases[i])))).toBe("null");
  });

  test("the bits of a number", () => {
    expect(bitLength(hex(""))).toBe(0);
    expect(bitLength(hex("0000"))).toBe(0);
    expect(bitLength(hex("01"))).toBe(1);
    expect(bitLength(hex("00ff"))).toBe(8);
    expect(bitLength(hex("0100"))).toBe(9);
  });
});
