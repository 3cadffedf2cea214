/**
 * The command line of npm: that which this process was started by, if it was, because `npm` on the path of a script may be an old
 * one that a dependency brought along.
 */
export function npmCommand(environment: NodeJS.ProcessEnv = process.env): [command: string, ...first: string[]] {
  const script = environment["npm_execpath"];
  if (script !== undefined && /[\\/]npm-cli\.js$/.test(script)) return [process.execPath, script];
  return [process.platform === "win32" ? "npm.cmd" : "npm"];
}
