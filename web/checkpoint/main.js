// The checkpoint page: which view is on, and what they share.
import { Api, Trouble, pair } from './api.js'
import { stayAwake } from './awake.js'
import { chooseUseCase } from './choose.js'
import { handOver } from './device.js'
import { announce, h, hush } from './dom.js'
import { gate } from './gate.js'
import * as recent from './recent.js'
import { session, takeCodes } from './session.js'
import { header } from './shell.js'
import { signIn } from './sign-in.js'
import * as sound from './sound.js'
import * as words from './words.js'

const root = document.getElementById('app')

/** What the views share. */
const app = {
  api: null,
  useCase: null,
  useCases: [],
  /** What is done on amber, and the reasons for letting pass, as the service names them. */
  byHand: null,
  view: null,

  /** Shows another view. The one before ends what it has under way. */
  go(view) {
    app.view?.stop?.()
    app.view = view
    app.paint()
    root.querySelector('[data-focus]')?.focus({ preventScroll: true })
    scrollTo(0, 0)
    stayAwake(['gate', 'answer'].includes(view.name))
    view.start?.()
  },

  /** Draws the view anew: its state or the language changed. The focus stays where it was, by id. */
  paint() {
    const { id } = document.activeElement ?? {}
    const { view } = app
    document.body.dataset.view = view.name
    if (view.decision) document.body.dataset.decision = view.decision
    else delete document.body.dataset.decision
    root.replaceChildren(header(app), h('main', { id: 'main', tabindex: -1 }, view.render()))
    if (id && id !== document.activeElement?.id) document.getElementById(id)?.focus({ preventScroll: true })
  },

  /** Signs in with a token; the use cases are both the proof that it is good and what comes next. */
  async signIn(token, name) {
    const api = new Api(token)
    const { use_cases: useCases, by_hand: byHand } = await api.useCases()
    session.begin(token, name)
    Object.assign(app, { api, useCases, byHand })
    const known = useCases.find((useCase) => useCase.name === session.useCase)
    if (known) app.begin(known)
    else app.go(chooseUseCase(app))
  },

  /** Begins work on a use case. */
  begin(useCase) {
    session.useCase = useCase.name
    app.useCase = useCase
    app.go(gate(app))
  },

  choose() { app.go(chooseUseCase(app)) },

  /** Forgets everything of this session. `why` is a name of words for the page that follows. */
  signOut(why = null) {
    session.end()
    recent.forgetAll()
    hush()
    Object.assign(app, { api: null, useCase: null, useCases: [], byHand: null })
    app.go(signIn(app, why))
  },

  /** What every view does with a trouble it cannot help: a session that ended; others it has to show itself. */
  isOver(error) {
    if (!(error instanceof Trouble) || error.kind !== 'session') return false
    app.signOut('session-over')
    return true
  },

  setLanguage(language) {
    words.choose(language)
    app.paint()
    announce(words.t('language-changed'))
  },
}

async function begin() {
  addEventListener('pointerdown', sound.wake, { capture: true })
  addEventListener('keydown', sound.wake, { capture: true })
  // A page that comes back from the browser's memory shows nothing of before.
  addEventListener('pageshow', (event) => event.persisted && location.reload())
  addEventListener('pagehide', () => app.view?.stop?.())
  const { pairing: code, response } = takeCodes()
  await words.load()
  if (response) return app.go(signIn(app, await handOver(response) ? 'returned' : 'returned-late', 'closed'))
  app.go(signIn(app, null, code || session.token ? 'working' : null))
  try {
    if (code) {
      const { token, name } = await pair(code)
      await app.signIn(token, name)
    } else if (session.token) {
      await app.signIn(session.token, session.name)
    }
  } catch (error) {
    const why = code ? 'pairing-failed' : 'session-over'
    const waits = error instanceof Trouble && ['offline', 'away'].includes(error.kind)
    if (!waits && !code) session.end()
    app.go(signIn(app, waits ? `trouble-${error.kind}` : why))
  }
  addEventListener('hashchange', () => location.hash && location.reload())
}

begin()
