/** A fault in what was given to explain or test; printed without a stack. */
export class AuthzError extends Error {}
