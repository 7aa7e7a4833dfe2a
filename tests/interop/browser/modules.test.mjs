// The checkpoint page's modules that need no browser: what comes in pieces, from lines and cameras.
import assert from 'node:assert/strict'
import { test } from 'node:test'

const module = (name) => import(new URL(`../../../web/checkpoint/${name}`, import.meta.url))
const { Api, Trouble } = await module('api.js')
const { flightOf, isBoardingPass, summary } = await module('boarding-pass.js')
const { Events, follow } = await module('follow.js')
const { Frames } = await module('frames.js')

const bytes = (text) => new TextEncoder().encode(text)

test('an event stream is read the same however it is cut', () => {
  const stream = bytes(': comment\n\nevent: request\nid: 1\ndata: {"a":\ndata: "登机"}\n\nevent:fetched\r\ndata:{}\r\n\r\n:\n\nevent: result\ndata: {"x":1}\n\n')
  const expected = [
    { type: 'request', data: '{"a":\n"登机"}' },
    { type: 'fetched', data: '{}' },
    { type: 'result', data: '{"x":1}' },
  ]
  for (let size = 1; size <= stream.length; size += 1) {
    const events = new Events()
    const seen = []
    for (let at = 0; at < stream.length; at += size) seen.push(...events.take(stream.slice(at, at + size)))
    assert.deepEqual(seen, expected, `${size} bytes at a time`)
  }
})

const answer = (status, body, type = 'application/json') => new Response(typeof body === 'string' ? body : JSON.stringify(body), { status, headers: { 'content-type': type } })

/** Follows with a line that gives these answers in turn; what was asked, seen and troubled. */
async function followed(...answers) {
  const asked = []
  const seen = []
  const troubles = []
  const stop = new AbortController()
  globalThis.addEventListener ??= () => {}
  globalThis.removeEventListener ??= () => {}
  globalThis.fetch = async (address, { headers }) => {
    asked.push(`${headers.accept === 'text/event-stream' ? 'stream' : 'poll'} ${address.split('/presentations/')[1]}`)
    const next = answers.shift()
    if (!next) throw new TypeError('failed to fetch')
    return next
  }
  await follow(new Api('t'), 'p1', { signal: stop.signal, seen: ({ state }) => seen.push(state), trouble: (kind) => troubles.push(kind) })
  return { asked, seen, troubles }
}

const event = (type, view = {}) => `event: ${type}\ndata: ${JSON.stringify(view)}\n\n`

test('a stream is followed to its end', async () => {
  const { asked, seen, troubles } = await followed(answer(200, event('request') + event('fetched') + event('result'), 'text/event-stream'))
  assert.deepEqual([asked, seen, troubles], [['stream p1'], ['waiting', 'fetched', 'answered'], []])
})

test('a stream that ends early is taken up again, and one that gives nothing twice gives way to long polls', async () => {
  const silent = () => answer(200, '', 'text/event-stream')
  const { asked, seen } = await followed(
    answer(200, event('request'), 'text/event-stream'), silent(), silent(),
    answer(200, { state: 'waiting', revision: 7 }), answer(200, { state: 'expired', revision: 8 }))
  assert.deepEqual(asked, ['stream p1', 'stream p1', 'stream p1', 'poll p1?wait=25', 'poll p1?wait=25&after=7'])
  assert.deepEqual(seen, ['waiting', 'waiting', 'expired'])
})

test('a service that is away or busy is waited for, a session that ended is not', async () => {
  const { seen, troubles } = await followed(answer(503, {}), answer(429, {}), answer(200, event('result'), 'text/event-stream'))
  assert.deepEqual([seen, troubles], [['answered'], ['away', 'away', null]])
  await assert.rejects(followed(answer(401, {})), (error) => error instanceof Trouble && error.kind === 'session')
  await assert.rejects(followed(answer(404, {})), (error) => error instanceof Trouble && error.kind === 'gone')
})

test('frames are collected in any order, once each, and of one presentation only', () => {
  const frame = (place, count, check = '0A1B2C3D') => `YF1:${place}/${count}/${check}:ABC ${place}`
  const frames = new Frames()
  assert.deepEqual([2, 2, 1].map((place) => frames.take(frame(place, 3))), [true, false, true])
  assert.deepEqual([frames.present, frames.isComplete], [[true, true, false], false])
  assert.equal(frames.take(frame(3, 3)), true)
  assert.deepEqual(frames.texts, [1, 2, 3].map((place) => frame(place, 3)))
  assert.equal(frames.isComplete, true)

  assert.equal(frames.take(frame(1, 2, 'FFFFFFFF')), true, 'the holder made another')
  assert.deepEqual([frames.present, frames.isComplete], [[true, false], false])
  for (const bad of ['', 'YF1:', frame(0, 3), frame(4, 3), frame(1, 33), frame(1, 2, 'abcdef01'), frame(1, 2, '00'), 'YF1:1/2/0A1B2C3D:', 'YF1:1/2/0A1B2C3D:abc']) {
    assert.equal(frames.take(bad), false, bad)
  }
  assert.equal(frames.present.length, 2)
})

test('a boarding pass is known by its form, and named by name, flight and seat', () => {
  const pass = 'M1LIN/XIAOYU          EABC123 KWEPEKCZ 3456 328Y012A0045 100'
  assert.equal(isBoardingPass(pass), true)
  assert.deepEqual(summary(pass), { passenger: 'LIN / XIAOYU', from: 'KWE', to: 'PEK', flight: 'CZ3456', seat: '12A' })
  for (const other of ['', 'M1LIN', 'YF1:1/1/00000000:A', `X${pass}`, pass.replace('M1', 'M9')]) assert.equal(isBoardingPass(other), false, other)
  assert.deepEqual([flightOf('cz 3456'), flightOf('3U0088'), flightOf('CZ'), flightOf('CZ34567'), flightOf('')], [
    { carrier: 'CZ', number: '3456' }, { carrier: '3U', number: '88' }, null, null, null])
})
