// The path, whole or what of it counts.

import { Bytes, ConfigObject } from "proxy-wasm-assemblyscript-sdk";
import { refuseEmpty } from "../lists";
import { PathTemplate, TEMPLATE_FORM } from "../path-template";
import { requestPath } from "../request";
import { RequestValue } from "./request-value";

const FORMS: string[] = ["segments", "templates", "template"];
// @ts-ignore: decorator
@inline const MAX_SEGMENTS: i64 = 32;

/** The path without query, normalised. */
@final
class WholePath extends RequestValue {
  constructor() {
    super("path:");
  }

  read(): Bytes | null {
    return requestPath();
  }
}

/** The first segments of the path: of `/a/b/c`, with two, `/a/b`. A path that has fewer is taken whole. */
@final
class PathStart extends RequestValue {
  constructor(private segments: i32) {
    super(`path:segments:${segments}`);
  }

  read(): Bytes | null {
    const path = requestPath();
    let end = 0;
    for (let i = 0; i < this.segments; ++i) {
      end = path.indexOf(0x2f, end + 1);
      if (end < 0) return path;
    }
    return path.slice(0, end);
  }
}

/** The first of some templates that the path fits; absent where it fits none. */
@final
class PathClass extends RequestValue {
  private names: Uint8Array[] = [];

  constructor(
    private templates: PathTemplate[],
    id: string,
  ) {
    super(`path:templates:${id}`);
    for (let i = 0; i < templates.length; ++i) this.names.push(Bytes.utf8(templates[i].text).copy());
  }

  read(): Bytes | null {
    const path = requestPath();
    for (let i = 0; i < this.templates.length; ++i) {
      if (unchecked(this.templates[i]).matches(path)) return Bytes.of(unchecked(this.names[i]));
    }
    return null;
  }
}

/** A segment of the path, where it fits a template; absent elsewhere. */
@final
class PathSegment extends RequestValue {
  constructor(
    private template: PathTemplate,
    private index: i32,
  ) {
    super(`path:template:${template.text}:${index}`);
  }

  read(): Bytes | null {
    const path = requestPath();
    return this.template.matches(path, this.index) ? this.template.captured(path) : null;
  }
}

/** Reads `{}`, `{ "segments": 2 }`, `{ "templates": [...] }` or `{ "template": "/users/{id}/{**}", "segment": "id" }`. */
export function readPath(object: ConfigObject): RequestValue {
  let hasForm = false;
  for (let i = 0; i < FORMS.length; ++i) hasForm = object.has(FORMS[i]) || hasForm;
  if (!hasForm) return new WholePath();
  const form = object.alternative(FORMS);
  if (form == 0) return new PathStart(<i32>object.integer("segments", 1, MAX_SEGMENTS));
  if (form == 1) return readTemplates(object);
  return form == 2 ? readSegment(object) : new WholePath();
}

function readTemplates(object: ConfigObject): RequestValue {
  const texts = object.strings("templates");
  refuseEmpty(object, "templates", texts.length);
  const templates: PathTemplate[] = [];
  for (let i = 0; i < texts.length; ++i) {
    const template = PathTemplate.parse(texts[i]);
    if (template === null) object.error("templates", TEMPLATE_FORM);
    else templates.push(template);
  }
  return new PathClass(templates, texts.join(" "));
}

function readSegment(object: ConfigObject): RequestValue {
  const text = object.string("template");
  const name = object.string("segment");
  const template = PathTemplate.parse(text);
  if (template === null) {
    if (text.length) object.error("template", TEMPLATE_FORM);
    return new WholePath();
  }
  const index = template.indexOf(name);
  if (index < 0 && name.length) object.error("segment", "the name of a segment of the template");
  return new PathSegment(template, index);
}
