// What is kept while the tab lives, and what an address may bring.

const TOKEN = 'yufu.checkpoint.token'
const NAME = 'yufu.checkpoint.name'
const USE_CASE = 'yufu.checkpoint.use-case'
const FLIGHT = 'yufu.checkpoint.flight'

/** The token is kept for the tab alone: it goes with it, and another tab signs in by itself. */
export const session = {
  get token() { return sessionStorage.getItem(TOKEN) },
  get name() { return sessionStorage.getItem(NAME) ?? '' },
  get useCase() { return sessionStorage.getItem(USE_CASE) },
  set useCase(name) { sessionStorage.setItem(USE_CASE, name) },

  /** The flight that is boarded here, as the officer typed it. */
  get flight() { return sessionStorage.getItem(FLIGHT) ?? '' },
  set flight(text) { sessionStorage.setItem(FLIGHT, text) },

  begin(token, name = '') {
    sessionStorage.setItem(TOKEN, token)
    sessionStorage.setItem(NAME, name)
  },

  /** Forgets the token; the use case too, since the next officer may have another task. */
  end() { [TOKEN, NAME, USE_CASE, FLIGHT].forEach((key) => sessionStorage.removeItem(key)) },
}

/**
 * What an address brings: the pairing code of a link, or the response code with which a wallet sends somebody back
 * (OpenID4VP 1.0 section 8.2). Taken out of the address at once: addresses are remembered and shared.
 */
export function takeCodes() {
  const fragment = new URLSearchParams(location.hash.slice(1))
  const query = new URLSearchParams(location.search)
  const taken = { pairing: fragment.get('pair'), response: fragment.get('response_code') ?? query.get('response_code') }
  query.delete('response_code')
  const rest = query.toString()
  if (location.hash || taken.response) history.replaceState(null, '', location.pathname + (rest && `?${rest}`))
  return taken
}

/** The pairing code of a link of this service, as a QR code holds it; null for anything else. */
export function pairingCode(text) {
  let address
  try { address = new URL(text) } catch { return null }
  if (address.origin !== location.origin || address.pathname !== '/checkpoint') return null
  return new URLSearchParams(address.hash.slice(1)).get('pair')
}
