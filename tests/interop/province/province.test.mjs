// Citizens sign in by a login that no one of this project wrote (oidc-provider): discovery, PKCE, client authentication, ID token
// or userinfo, each way that a province may have it.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { person, register, url } from '../node/peer.mjs'
import { CLIENT, startProvider } from './provider.mjs'

// The ways that a province may have it; YUFU_LOGIN_KIND chooses one.
const KINDS = {
  userinfo: {},
  'id-token': { inIdToken: true },
  es256: { inIdToken: true, alg: 'ES256', auth: 'client_secret_post' },
  eddsa: { alg: 'EdDSA' },
  ps256: { inIdToken: true, alg: 'PS256' },
}

const people = new Map()
let running
before(async () => {
  const kind = KINDS[process.env.YUFU_LOGIN_KIND ?? 'userinfo']
  const port = Number(process.env.YUFU_LOGIN_PORT)
  running = await startProvider({ port, redirectUri: `${url}/sign-in/province/callback`, people, ...kind })
})
after(() => running?.stop())

/** A browser without scripts: it keeps cookies for each host, follows redirects by itself, and fills in forms. */
function browser() {
  const jars = new Map()
  const cookies = (target) => {
    const jar = jars.get(target.host) ?? new Map()
    jars.set(target.host, jar)
    return jar
  }
  const ask = async (target, options = {}) => {
    const jar = cookies(target)
    const cookie = [...jar].filter(([, { path }]) => target.pathname.startsWith(path)).map(([name, { value }]) => `${name}=${value}`).join('; ')
    const response = await fetch(target, { ...options, redirect: 'manual', headers: { 'accept-language': 'en', ...options.headers, ...(cookie && { cookie }) } })
    for (const line of response.headers.getSetCookie()) {
      const [pair, ...attributes] = line.split(/; */)
      const at = pair.indexOf('=')
      const attribute = (name) => attributes.find((text) => text.toLowerCase().startsWith(`${name}=`))?.slice(name.length + 1)
      const gone = attribute('expires') && new Date(attribute('expires')) < new Date()
      if (gone) jar.delete(pair.slice(0, at))
      else jar.set(pair.slice(0, at), { value: pair.slice(at + 1), path: attribute('path') ?? '/' })
    }
    return response
  }
  /** Goes to a place, and on through redirects until a page comes or `until` says so; gives the page and where it is. */
  const go = async (place, options, until = () => false) => {
    let target = new URL(place)
    let response = await ask(target, options)
    for (let hops = 0; [302, 303].includes(response.status) && hops < 12; hops += 1) {
      target = new URL(response.headers.get('location'), target)
      if (until(target)) return { target, response }
      response = await ask(target)
    }
    return { target, response, text: await response.text() }
  }
  const send = (place, fields, until) =>
    go(place, { method: 'POST', body: new URLSearchParams(fields).toString(), headers: { 'content-type': 'application/x-www-form-urlencoded' } }, until)
  return { go, send, jars }
}

/** From our page to the login's, which is told a name; ends at the first page of ours that is not the callback's redirect. */
async function signIn(name, { abort = false } = {}) {
  const { go, send } = browser()
  const atHome = (target) => target.origin === url && !target.pathname.startsWith('/sign-in/province')
  const first = await go(`${url}/sign-in/province?return=/credential-types`)
  assert.match(first.target.pathname, /^\/interaction\//, `the login asks for a name: ${first.text?.slice(0, 300)}`)
  if (abort) return { ...(await go(`${first.target}/abort`)), go }
  const second = await send(first.target, { prompt: 'login', login: name, password: 'x' }, atHome)
  const arrived = atHome(second.target) ? second : await send(second.target, { prompt: 'consent' }, atHome)
  return { ...arrived, go }
}

const newcomer = async (name) => {
  const made = person()
  await register(made)
  people.set(name, made.id_number)
}

test('a citizen signs in and arrives where they were going', async () => {
  await newcomer('lin')
  const { target, go, response } = await signIn('lin')
  assert.equal(response.status, 303)
  assert.equal(`${target.origin}${target.pathname}`, `${url}/credential-types`)
  const again = await go(`${url}/sign-in`, {}, () => true)
  assert.equal(again.response.status, 303, 'who is signed in is not asked to sign in')
  assert.deepEqual(running.faults, [])
})

test('who has an account there and is not in the register is told so, and so is who has no number', async () => {
  people.set('nobody', person().id_number)
  for (const [name, words] of [['nobody', 'You are not in the register'], ['no-number', 'Your ID number is missing']]) {
    const { text, target } = await signIn(name)
    assert.equal(target.pathname, '/sign-in/province/callback')
    assert.match(text, new RegExp(words))
    assert.match(text, /href="\/sign-in\?return=\/credential-types"/)
  }
})

test('who cancels is not signed in', async () => {
  const { text, target } = await signIn('lin', { abort: true })
  assert.equal(target.searchParams.get('error'), 'access_denied')
  assert.match(text, /You are not signed in/)
})

test('the login sees one client that authenticates and proves possession of its code', async () => {
  const { go } = browser()
  const { target } = await go(`${url}/sign-in/province`, {}, ({ pathname }) => pathname === '/auth')
  assert.equal(target.searchParams.get('client_id'), CLIENT.id)
  assert.equal(target.searchParams.get('code_challenge_method'), 'S256')
  assert.equal(target.searchParams.get('scope'), 'openid identity')
  assert.equal(target.searchParams.get('ui_locales'), 'en')
})
