import { taggedName } from "../tagged-name";

function name(values: string[] | null): string {
  if (values === null) return taggedName("requests", ["a", "b"], null);
  let size = 0;
  const encoded: ArrayBuffer[] = [];
  for (let i = 0; i < values.length; ++i) {
    encoded.push(String.UTF8.encode(values[i]));
    size += encoded[i].byteLength + 1;
  }
  const bytes = new StaticArray<u8>(size);
  let at = changetype<usize>(bytes);
  for (let i = 0; i < encoded.length; ++i) {
    store<u8>(at++, <u8>encoded[i].byteLength);
    memory.copy(at, changetype<usize>(encoded[i]), encoded[i].byteLength);
    at += encoded[i].byteLength;
  }
  return taggedName("requests", ["a", "b"], bytes);
}

describe("the name of a metric with tags", () => {
  test("has each tag with its value", () => {
    expect(name(["GET", "200"])).toBe("requests;a=GET;b=200");
    expect(name(["", ""])).toBe("requests;a=;b=");
    expect(name(null)).toBe("requests;a=other;b=other");
  });

  test("has no byte that ends a value or breaks a label", () => {
    expect(name(["x;b=y", "z"])).toBe("requests;a=x%3Bb=y;b=z");
    expect(name(['"\\\n', "%41"])).toBe("requests;a=%22%5C%0A;b=%2541");
    expect(name(["é", " \x7f\0"])).toBe("requests;a=%C3%A9;b=%20%7F%00");
  });

  test("leaves the rest of visible ASCII as it is", () => {
    const plain = "!#$&'()*+,-./09:<=>?@AZ[]^_`az{|}~";
    expect(name([plain, plain])).toBe(`requests;a=${plain};b=${plain}`);
  });
});
