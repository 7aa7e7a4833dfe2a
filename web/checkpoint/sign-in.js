// Signing in: with the token of a checkpoint, or with a pairing code that an administrator shows.
import { Trouble, pair } from './api.js'
import { h, icon } from './dom.js'
import { scan } from './scanner.js'
import { pairingCode } from './session.js'
import { notice } from './shell.js'
import { t } from './words.js'

/** `why` names the words that tell how one came here; `working`: a sign-in is under way; `closed`: nobody is to sign in. */
export function signIn(app, why, state = null) {
  const calm = ['returned', 'signed-out', 'session-over', 'trouble-offline', 'trouble-away']
  let shown = why
  let busy = state === 'working'
  const input = h('input', { id: 'token', name: 'token', type: 'password', autocomplete: 'off', autocapitalize: 'none', spellcheck: 'false', required: true, 'aria-describedby': 'token-help' })

  const fail = (error) => {
    const kind = error instanceof Trouble ? error.kind : 'away'
    shown = { session: 'token-not-good', forbidden: 'token-not-checkpoint', gone: 'pairing-failed', refused: 'token-not-good' }[kind] ?? `trouble-${kind}`
  }

  async function attempt(work) {
    busy = true
    shown = null
    app.paint()
    try {
      await work()
    } catch (error) {
      fail(error)
      busy = false
      app.paint()
      input.focus()
    }
  }

  const submit = (event) => {
    event.preventDefault()
    const token = input.value.trim()
    if (token) attempt(() => app.signIn(token, ''))
  }

  const scanCode = () => scan({
    title: t('scan-pairing'),
    hint: t('scan-pairing-hint'),
    take: (text) => {
      const code = pairingCode(text)
      if (!code) return { remark: t('not-a-pairing-code') }
      attempt(async () => {
        const { token, name } = await pair(code)
        await app.signIn(token, name)
      })
      return true
    },
  })

  return {
    name: 'sign-in',
    render: () => h('section', { class: 'sheet narrow' },
      h('h1', { tabindex: -1, 'data-focus': true }, t(state === 'closed' ? 'brand-place' : 'sign-in-title')),
      state !== 'closed' && h('p', { class: 'soft' }, t('sign-in-words')),
      shown && notice(calm.includes(shown) ? 'calm' : 'bad', t(shown)),
      state !== 'closed' && (busy
        ? h('p', { class: 'working', role: 'status' }, t('signing-in'))
        : h('form', { class: 'stack', novalidate: true, on: { submit } },
          h('label', { for: 'token' }, t('token')),
          input,
          h('p', { id: 'token-help', class: 'soft small' }, t('token-help')),
          h('button', { type: 'submit', id: 'sign-in', class: 'button primary wide' }, t('sign-in')),
          h('p', { class: 'or' }, t('or')),
          h('button', { type: 'button', id: 'scan-pairing', class: 'button wide', on: { click: scanCode } }, icon('camera'), t('scan-pairing'))))),
    stop() { input.value = '' },
  }
}
