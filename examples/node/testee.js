// The testee contract in JavaScript, for the core profile: `node testee.js CONFIG.json`. See docs/implementing.md.
// Connections are served by one event loop; as many at once as a server in threads would, the others wait.
'use strict'
const crypto = require('crypto'), fs = require('fs'), net = require('net')

const CALLBACKS = ['before_start', 'preprocess', 'dispatch', 'at_stop', 'postprocess', 'after_stop']
const LEAST = { process_num: 0, process_queue_size: 1, thread_num: 1, thread_queue_size: 1 }
const SECONDS = /^(accept|process_queue|process_send_io|thread_queue)_polling_timeout_seconds$/
const config = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'))
const attributes = { process_num: 0, thread_num: 4, ...config.server }
const waiting = [], serving = new Set(), kept = []
let events, state, failure

const refuse = (message, status = 1) => { console.error(message); process.exit(status) }

// One line, one write; whatever goes wrong with it, the server lives.
function happen(name, fields = {}) {
  try {
    const { O_WRONLY, O_APPEND, O_NONBLOCK } = fs.constants
    events ??= fs.openSync(config.events, O_WRONLY | O_APPEND | O_NONBLOCK)
    const line = JSON.stringify({ event: name, pid: process.pid, ...fields })
    if ((config.record ?? CALLBACKS).includes(name)) fs.writeSync(events, `${line}\n`)
  } catch { }
  if (config.exit_in?.includes(name)) process.exit(3)
  if (config.hang_in?.includes(name)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  if (config.raise_in?.includes(name)) throw new Error(`${name} raises as asked`)
}

const survive = (name, fields) => { try { happen(name, fields) } catch (error) { console.log(error.message) } }

// What a connection says: a line, or so many bytes; null at its end.
class Reader {
  constructor(socket) {
    this.chunks = socket.iterator({ destroyOnReturn: false })
    this.rest = Buffer.alloc(0)
  }
  async more() {
    const { value, done } = await this.chunks.next()
    if (!done) this.rest = Buffer.concat([this.rest, value])
    return !done
  }
  take(count) {
    try { return this.rest.subarray(0, count) } finally { this.rest = this.rest.subarray(count) }
  }
  async line() {
    let end
    while ((end = this.rest.indexOf('\n')) < 0) if (!await this.more()) return null
    return this.take(end + 1).toString()
  }
  async bytes(count) {
    while (this.rest.length < count && await this.more());
    return this.take(count)
  }
}

async function echo(socket) {
  const reader = new Reader(socket)
  for (let line; (line = await reader.line()) !== null;) socket.write(line)
}

const status = name => fs.readFileSync('/proc/self/status', 'utf8').match(new RegExp(`^${name}:\\s*(.*)`, 'm'))[1]
const ids = name => status(name).split(/\s+/).slice(0, 3).join(',')
const FACTS = {
  echo: text => text, pid: () => process.pid, ppid: () => process.ppid, cwd: () => process.cwd(),
  umask: () => status('Umask'), fds: () => fs.readdirSync('/proc/self/fd').length,
  ids: () => `${ids('Uid')} ${ids('Gid')} ${process.getgroups().sort((a, b) => a - b).join(',')}`
}

// Each line a command, each answer a line; true if the connection is kept.
async function probe(socket) {
  const reader = new Reader(socket)
  for (let line; (line = await reader.line()) !== null;) {
    const [, name, rest] = line.match(/^(\S*) ?(.*?)\r?\n$/)
    if (name === 'raise') throw new Error(`dispatch raises as asked ${rest}`)
    else if (name === 'exit') process.exit(Number(rest))
    else if (name === 'hang') await new Promise(() => { })
    else if (name === 'close') return false
    else if (name === 'detach') return socket.write('ok\n')
    else if (name === 'sleep') await new Promise(resolve => setTimeout(resolve, rest * 1000))
    else if (name === 'send') { socket.write(Buffer.alloc(Number(rest), Buffer.from([...Array(256).keys()]))); continue }
    const hash = name === 'receive' && crypto.createHash('sha256').update(await reader.bytes(Number(rest))).digest('hex')
    if (name === 'sleep') socket.write('ok\n')
    else if (hash || name === 'thread') socket.write(`ok ${hash || socket.slot}\n`)
    else socket.write(FACTS[name] ? `ok ${FACTS[name](rest)}\n` : `error unknown command ${name}\n`)
  }
}

async function dispatch(socket) {
  serving.add(socket)
  socket.slot = [...Array(attributes.thread_num).keys()].find(slot => ![...serving].some(other => other.slot === slot))
  try {
    happen('dispatch')
    if (await (config.handler === 'echo' ? echo : probe)(socket)) kept.push(socket)
    else socket.end(() => socket.destroy())
  } catch (error) {
    socket.destroy()
    if (error.code === undefined && state !== 'forced') stop('forced', failure = error)
  }
  serving.delete(socket)
  advance()
}

function advance() {
  while (waiting.length && serving.size < attributes.thread_num && state !== 'forced') dispatch(waiting.shift())
  if (state === 'forced' || (state === 'graceful' && !serving.size)) setImmediate(end)
}

function stop(asked) {
  if (state === asked || state === 'forced') return
  state = asked
  server.close()
  survive('at_stop', { state })
  if (state === 'forced') for (const socket of [...serving, ...waiting]) socket.destroy()
  advance()
}

function end() {
  for (const name of ['postprocess', 'after_stop']) survive(name)
  refuse(failure?.message ?? 'stopped', failure ? 1 : 0)
}

function address(text) {
  const unix = /^unix:(?:\/\/)?(.+)$/.exec(text), tcp = /^(?:tcp:\/\/)?(?:\[([^\]]+)\]|([^:/]+)):(\d+)$/.exec(text)
  if (typeof text !== 'string') refuse('addresses are texts here', 127)
  if (!unix && !tcp) refuse(`address: expected HOST:PORT or unix:PATH, got ${text}`)
  return unix ? { path: unix[1] } : { host: tcp[1] ?? tcp[2], port: Number(tcp[3]) }
}

if (config.mode !== 'server' || !['echo', 'probe'].includes(config.handler)) refuse('not offered', 127)
for (const [name, value] of Object.entries(config.server ?? {})) {
  const good = name in LEAST ? Number.isInteger(value) && value >= LEAST[name] : SECONDS.test(name) && value > 0
  if (!good) refuse(`${name} cannot be ${value}`)
}
if (attributes.process_num > 0) refuse('there are no children', 127)
const server = net.createServer({ allowHalfOpen: true }, socket => advance(waiting.push(socket.on('error', () => { }))))
server.listen({ ...address(config.daemon.listen_address), backlog: 1024 }, () => {
  const { address: host, port } = server.address()
  try {
    happen('before_start', { address: port ? (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`) : `unix:${server.address()}` })
    process.on('SIGTERM', () => stop('graceful')).on('SIGINT', () => stop('forced'))
    for (const name of ['SIGUSR1', 'SIGUSR2', 'SIGWINCH']) process.on(name, () => { })
    happen('preprocess')
  } catch (error) {
    failure = error
    server.close(end)
  }
})
