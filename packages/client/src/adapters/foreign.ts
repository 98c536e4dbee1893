/** A value of another library, whose types name classes of one version of it. This package depends on none. */
// oxlint-disable-next-line typescript/no-explicit-any
export type Foreign = any;
