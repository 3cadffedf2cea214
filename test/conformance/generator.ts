import fc from "fast-check";
import { out, step, type Callback, type Step } from "../../host/testdata/probe.ts";
import * as p from "./modules.ts";
import { BUFFER, MAP, module, says } from "./modules.ts";
import { CALLOUT_PATH, CALLOUT_TIMEOUT_MS, type Script, type ScriptedMessage } from "./script.ts";

/** One direction of a stream: the numbers by which a module names its parts. */
interface Direction {
  readonly name: "request" | "response";
  readonly stream: 0 | 1;
  readonly headers: number;
  readonly trailers: number;
  readonly body: number;
}
const REQUEST: Direction = {
  name: "request",
  stream: 0,
  headers: MAP.request,
  trailers: MAP.requestTrailers,
  body: BUFFER.request,
};
const RESPONSE: Direction = {
  name: "response",
  stream: 1,
  headers: MAP.response,
  trailers: MAP.responseTrailers,
  body: BUFFER.response,
};

const pieces = fc.array(
  fc.string({ minLength: 1, maxLength: 6, unit: fc.constantFrom("a", "b", "c", "d", "e", "f") }),
  {
    maxLength: 3,
  },
);

const localReply = (details: string): Step =>
  step("proxy_send_local_response", 418, details, "tea", p.encoded({ "x-local": details }), -1);

const callout = (cluster: string): Step =>
  step(
    "proxy_http_call",
    cluster,
    p.encoded({ ":path": CALLOUT_PATH, ":method": "GET", ":authority": "a" }),
    "",
    "",
    CALLOUT_TIMEOUT_MS,
    out(0),
  );

/** What may be done to any map at any time. */
const headerSteps = (map: number): fc.Arbitrary<Step> =>
  fc.oneof(
    fc.constantFrom("x-one", "x-new", "X-Trailer", "absent").map((name) => p.value(map, name)),
    fc.constantFrom("x-one", "x-new").map((name) => p.add(map, name, "added")),
    fc.constantFrom("x-two", "x-new").map((name) => step("proxy_replace_header_map_value", map, name, "replaced")),
    fc.constantFrom("x-one", "x-two", "absent").map((name) => step("proxy_remove_header_map_value", map, name)),
  );

const bodySteps = (buffer: number): fc.Arbitrary<Step> => {
  const splice = (start: number, length: number, data: string): Step =>
    step("proxy_set_buffer_bytes", buffer, start, length, data);
  return fc.oneof(
    fc.constant(p.content(buffer)),
    fc.constant(p.bufferStatus(buffer)),
    fc.constantFrom(splice(0, 0, "<"), splice(99, 0, ">"), splice(0, 99, "all"), splice(0, 2, ""), splice(1, 1, "?")),
  );
};

/** What may be done in any callback: read and write what is there or not, and rarely, something drastic. */
function anySteps(own: Direction, other: Direction): fc.Arbitrary<Step[]> {
  const mild = fc.oneof(
    { weight: 6, arbitrary: headerSteps(own.headers) },
    { weight: 4, arbitrary: bodySteps(own.body) },
    { weight: 2, arbitrary: headerSteps(own.trailers) },
    { weight: 1, arbitrary: headerSteps(other.headers) },
    { weight: 1, arbitrary: bodySteps(other.body) },
    {
      weight: 1,
      arbitrary: fc.constantFrom("request\0path", "response\0code", "request\0headers\0x-one").map(p.property),
    },
  );
  const drastic = fc.oneof(
    { weight: 12, arbitrary: fc.constant<Step[]>([]) },
    { weight: 1, arbitrary: fc.constant([localReply(own.name)]) },
  );
  return fc.tuple(fc.array(mild, { maxLength: 4 }), drastic).map(([steps, last]) => [...steps, ...last]);
}

interface Plan {
  readonly callbacks: Record<string, Callback>;
  readonly message: ScriptedMessage;
}

/** The callbacks of one direction, and what is sent there. */
function plan(own: Direction, other: Direction): fc.Arbitrary<Plan> {
  return fc
    .record({
      steps: anySteps(own, other),
      bodySteps: anySteps(own, other),
      trailerSteps: anySteps(own, other),
      headersAnswer: fc.oneof(
        { weight: 4, arbitrary: fc.constant(0) },
        { weight: 3, arbitrary: fc.constantFrom(1, 2, 3, 4) },
      ),
      bodyAnswer: fc.constantFrom(0, 0, 1, 2, 3),
      always: fc.oneof({ weight: 6, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
      trailersAnswer: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constant(1) }),
      seesBody: fc.boolean(),
      seesTrailers: fc.boolean(),
      call: fc.option(fc.constantFrom("up", "up", "silent", "nowhere")),
      pieces,
      trailers: fc.boolean(),
    })
    .map((given) => {
      const calls = given.call !== null && given.headersAnswer !== 0 && given.headersAnswer !== 2;
      const steps = calls ? [...given.steps.filter(isMild), callout(given.call ?? "")] : given.steps;
      // Envoy sends trailers twice that a filter adds to a body of which it has held something back.
      // What becomes of a request's headers after they have passed depends on how soon there is a connection.
      const isLate = ({ call, args }: Step): boolean =>
        own.name === "request" && args[0] === own.headers && /add|replace|remove/.test(call);
      const addsTrailers = ({ call, args }: Step): boolean => call.includes("header_map") && args[0] === own.trailers;
      const bodySteps = given.bodySteps.filter(
        (item) => !isLate(item) && (given.bodyAnswer === 0 || !addsTrailers(item)),
      );
      const body = says(`${own.name} body`, bodySteps, {
        ...(given.always ? { returns: given.bodyAnswer } : { wat: p.untilEnd(given.bodyAnswer) }),
      });
      // Envoy loses a body that the filter stops again after it continued the headers, when trailers follow.
      const isLost = calls && given.seesBody && given.bodyAnswer !== 0;
      const trailers = says(
        `${own.name} trailers`,
        given.trailerSteps.filter((item) => !isLate(item)),
        { returns: given.trailersAnswer },
      );
      return {
        callbacks: {
          [`proxy_on_${own.name}_headers`]: says(`${own.name} headers`, steps, {
            returns: given.headersAnswer,
            ...(own.stream === 0 && { wat: "(global.set $stream (local.get 0))" }),
          }),
          ...(given.seesBody && { [`proxy_on_${own.name}_body`]: body }),
          ...(given.seesTrailers && { [`proxy_on_${own.name}_trailers`]: trailers }),
        },
        message: { body: given.pieces, trailers: given.trailers && given.pieces.length > 0 && !isLost, atOnce: calls },
      };
    });
}

const isMild = ({ call }: Step): boolean => call !== "proxy_send_local_response" && call !== "proxy_continue_stream";

/** What becomes of the stream when a callout has been answered. */
const resumption = (stream: 0 | 1): fc.Arbitrary<string> =>
  fc.constantFrom(
    `(drop (call $proxy_continue_stream (i32.const ${stream})))`,
    `(drop (call $proxy_continue_stream (i32.const ${stream})))`,
    "(call $refuse)",
    "",
  );

const script: fc.Arbitrary<Omit<Script, "name">> = fc
  .tuple(plan(REQUEST, RESPONSE), plan(RESPONSE, REQUEST), resumption(0), resumption(1), fc.boolean())
  .map(([request, response, onRequest, onResponse, allowOnHeadersStopIteration]) => {
    const calls = request.message.atOnce || response.message.atOnce;
    const answered = says("callout answered", [p.value(MAP.callResponse, ":status"), p.content(BUFFER.callResponse)], {
      wat: `(drop (call $proxy_set_effective_context (global.get $stream)))
          (if (global.get $responding) (then ${onResponse}) (else ${onRequest}))`,
    });
    const responseHeaders = response.callbacks["proxy_on_response_headers"];
    return {
      module: module(
        {
          ...request.callbacks,
          ...response.callbacks,
          proxy_on_response_headers: { ...responseHeaders, wat: "(global.set $responding (i32.const 1))" },
          ...(calls && { proxy_on_http_call_response: answered }),
          // Never called: it imports what the WAT above calls.
          proxy_on_tick: {
            steps: [step("proxy_set_effective_context", 1), step("proxy_continue_stream", 0), localReply("callout")],
          },
        },
        { extra: EXTRA },
      ),
      request: request.message,
      response: response.message,
      // With a callout under way the request would reach the upstream, which answers when it likes.
      allowOnHeadersStopIteration: allowOnHeadersStopIteration && !calls,
    };
  });

const EXTRA = `
  (global $stream (mut i32) (i32.const 0))
  (global $responding (mut i32) (i32.const 0))
  (func $refuse (drop (call $proxy_send_local_response (i32.const 403)
    (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const -1))))`;

/** `count` scripts; the same for the same seed. */
export function scripts(seed: number, count: number): Script[] {
  return fc
    .sample(script, { seed, numRuns: count })
    .map((item, i) => ({ ...item, name: `script ${i} of seed ${seed}` }));
}
