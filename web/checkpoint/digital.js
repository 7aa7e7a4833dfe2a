// The browser's own way to a wallet (W3C Digital Credentials API), where the browser has it.

/** Whether this browser can ask a wallet by itself. */
export const isThere = () => 'DigitalCredential' in window && typeof navigator.credentials?.get === 'function'

/**
 * Asks the browser with the argument that the service made. Gives `{ protocol, data }` as the service takes it, or null when the holder closed
 * the browser's question.
 */
export async function ask(digital, signal) {
  try {
    const credential = await navigator.credentials.get({ digital, mediation: 'required', signal })
    if (!credential) return null
    return { protocol: credential.protocol, data: typeof credential.data === 'string' ? JSON.parse(credential.data) : credential.data }
  } catch (error) {
    if (['AbortError', 'NotAllowedError'].includes(error?.name)) return null
    throw error
  }
}
