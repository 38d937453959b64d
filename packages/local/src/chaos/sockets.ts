import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import type { Server, Socket } from 'node:net'
import { descendants } from '../sandbox/memory.ts'

/** Connections to the simulator's own servers, which can be cut. */
export interface Connections {
  /** Knows of connections to this server from now on. */
  track(server: Server): void
  /** Breaks those of a process and of what it has started; gives how many there were. Linux only: else 0. */
  cut(pid: number): number
}

export function trackConnections(): Connections {
  const sockets = new Set<Socket>()
  return {
    track(server) {
      server.on('connection', (socket: Socket) => {
        sockets.add(socket)
        socket.once('close', () => sockets.delete(socket))
      })
    },
    cut(pid) {
      const ports = localPorts(pid)
      const mine = [...sockets].filter((socket) => ports.has(socket.remotePort ?? 0) && !socket.destroyed)
      for (const socket of mine) socket.resetAndDestroy()
      return mine.length
    },
  }
}

/** The local ports of all TCP sockets of a process and of what it has started, as `/proc` tells (Linux). */
export function localPorts(pid: number): ReadonlySet<number> {
  const inodes = new Set([pid, ...descendants(pid)].flatMap(socketsOf))
  const rows = ['tcp', 'tcp6'].flatMap((table) =>
    attempt(() => readFileSync(`/proc/${pid}/net/${table}`, 'latin1').split('\n'), []),
  )
  const ports = new Set<number>()
  for (const row of rows) {
    // sl, local address, remote address, state, queues, timer, retransmits, uid, timeout, inode
    const fields = row.trim().split(/\s+/)
    if (inodes.has(fields[9] ?? '')) ports.add(Number.parseInt(fields[1]?.split(':')[1] ?? '0', 16))
  }
  return ports
}

function socketsOf(pid: number): string[] {
  const directory = `/proc/${pid}/fd`
  return attempt(() => readdirSync(directory), [] as string[]).flatMap((fd) => {
    const target = attempt(() => readlinkSync(`${directory}/${fd}`), '')
    return /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []
  })
}

/** Processes end while they are looked at. */
function attempt<T>(look: () => T, otherwise: T): T {
  try {
    return look()
  } catch {
    return otherwise
  }
}
