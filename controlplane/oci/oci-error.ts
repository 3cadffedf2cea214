/** Something about an image or a registry that the user has to mend; its message says what. */
export class OciError extends Error {}
