/** A fault in what a command was given; printed without a stack. */
export class InputError extends Error {}
