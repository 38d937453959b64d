import { createServer } from 'node:net'

/** The ports on which debuggers find environments: the first that is free from a base on, 9229 with Node itself. */
export interface InspectPorts {
  /** A port that nobody has; 0, which is any that is free, when there is none near. To be given back. */
  take(): Promise<number>
  giveBack(port: number): void
}

/** How many ports are tried, beginning with the base. */
const portTries = 50

export function createInspectPorts(base: number): InspectPorts {
  const taken = new Set<number>()
  return {
    async take() {
      const last = Math.min(base + portTries - 1, 65_535)
      for (let port = base; base > 0 && port <= last; port++) {
        if (taken.has(port)) continue
        // Before it is known whether it is free: another environment may ask meanwhile.
        taken.add(port)
        if (await isFree(port)) return port
        taken.delete(port)
      }
      return 0
    },
    giveBack: (port) => void taken.delete(port),
  }
}

/** Node starts without a debugger, and goes on, where the port it is told is in use. */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
