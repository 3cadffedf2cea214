/** A fault that the user can mend; printed without a stack. */
export class FilterError extends Error {}
