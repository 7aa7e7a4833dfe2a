// Words in the language of the officer, and the other language beside them where a passenger reads along.

export const LANGUAGES = ['zh-CN', 'en']
const NAMES = { 'zh-CN': '中文', en: 'English' }
const KEPT = 'yufu.checkpoint.language'

const tables = {}
let current = 'zh-CN'

/** Reads both languages: the page can change without a line. The one asked for in the address is kept for the next visit. */
export async function load() {
  const read = async (language) => {
    const response = await fetch(`/assets/checkpoint/words.${language}.json`)
    if (!response.ok) throw new Error(`words.${language}.json: ${response.status}`)
    tables[language] = await response.json()
  }
  await Promise.all(LANGUAGES.map(read))
  const asked = new URL(location.href).searchParams.get('lang')
  const wanted = [asked === 'zh' ? 'zh-CN' : asked, kept(), document.documentElement.lang]
  set(wanted.find((language) => LANGUAGES.includes(language)) ?? 'zh-CN', asked !== null)
}

function kept() {
  try { return localStorage.getItem(KEPT) } catch { return null }
}

/** The language of the page. */
export const language = () => current

/** The other one. */
export const otherLanguage = () => LANGUAGES.find((language) => language !== current)

export const nameOf = (language) => NAMES[language]

/** Changes the language, here and for the next visit. */
export function choose(language) {
  set(language, true)
  const address = new URL(location.href)
  address.searchParams.set('lang', language)
  history.replaceState(history.state, '', address)
}

function set(language, keep) {
  current = language
  document.documentElement.lang = language
  document.title = t('page-title')
  if (!keep) return
  try { localStorage.setItem(KEPT, language) } catch { /* a browser that keeps nothing asks again */ }
}

const filled = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => values?.[name] ?? whole)

/** Words by name, with `{places}` filled. */
export const t = (name, values) => filled(tables[current]?.[name] ?? name, values)

/** The same in the other language. */
export const inOther = (name, values) => filled(tables[otherLanguage()]?.[name] ?? name, values)

/** Whether there are words of that name. */
export const has = (name) => Object.hasOwn(tables[current] ?? {}, name)

/** What a bilingual text of the service says in the page's language. */
export const said = (message) => message?.[current] ?? message?.en ?? message?.['zh-CN'] ?? ''

/** A span of time in words. */
export function span(seconds) {
  const whole = Math.max(0, Math.round(seconds))
  if (whole < 100) return t('seconds', { n: whole })
  if (whole < 5400) return t('minutes', { n: Math.round(whole / 60) })
  if (whole < 172800) return t('hours', { n: Math.round(whole / 3600) })
  return t('days', { n: Math.round(whole / 86400) })
}

/** The time of day. */
export const clockTime = (date) => new Intl.DateTimeFormat(current, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' }).format(date)
