/** `;name=value` lists: lower-case names; a parameter without a value has `''`. */
export type Parameters = ReadonlyMap<string, string>;
