/** The JSON Pointer (RFC 6901) to a member, from names as they are: `pointer("a/b", "c")` is `/a~1b/c`. */
export function pointer(...names: (string | number)[]): string {
  return names.map((name) => `/${String(name).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}
