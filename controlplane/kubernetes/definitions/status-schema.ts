import type { Schema } from "./json-schema.ts";

const text: Schema = { type: "string" };

/** As metav1.Condition. */
const condition: Schema = {
  type: "object",
  required: ["type", "status", "lastTransitionTime", "reason", "message"],
  properties: {
    type: { description: "Accepted, Programmed, Progressing or Degraded.", type: "string", maxLength: 316 },
    status: { type: "string", enum: ["True", "False", "Unknown"] },
    observedGeneration: {
      description: "The generation that this is about.",
      type: "integer",
      format: "int64",
      minimum: 0,
    },
    lastTransitionTime: { description: "When status changed last.", type: "string", format: "date-time" },
    reason: {
      description: "In a word, for programs.",
      type: "string",
      minLength: 1,
      maxLength: 1024,
      pattern: "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
    },
    message: { description: "For people.", type: "string", maxLength: 32768 },
  },
};

/** What the control plane writes of a resource. @param more what it writes of this kind beside conditions. */
export function statusSchema(more: Readonly<Record<string, Schema>> = {}): Schema {
  return {
    description: "What the control plane makes of it. Written by the control plane only.",
    type: "object",
    properties: {
      observedGeneration: { description: "The generation that was read last.", type: "integer", format: "int64" },
      conditions: {
        type: "array",
        maxItems: 8,
        items: condition,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
      },
      ...more,
    },
  };
}

export const moduleStatus = {
  sha256: { ...text, description: "SHA-256 of the module that is served." },
};

export const rolloutStatus = {
  phase: { ...text, description: "What the run is at." },
  wave: { ...text, description: "The wave that is on, and how many there are, such as 2/4." },
  health: {
    ...text,
    description: "Healthy; Degraded, when a version was undone; or Unknown, when nothing was rolled out yet.",
  },
  version: { ...text, description: "The version that is rolled out." },
};
