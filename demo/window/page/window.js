// The page of the demo. All that comes from people is put in as text, never as HTML.

const byId = (id) => document.getElementById(id)
const app = byId('app')

const statusNames = {
  online: 'Online', busy: 'Busy', idle: 'Idle', back: 'Be right back', away: 'Away',
  phone: 'On the phone', lunch: 'Out to lunch', hidden: 'Appears offline', offline: 'Offline',
}
const emoticons = [
  [':)', '🙂', 'smile'], [':D', '😃', 'laugh'], [';)', '😉', 'wink'], [':P', '😛', 'tongue'], [':O', '😮', 'surprise'],
  [':(', '🙁', 'sad'], [":'(", '😢', 'cry'], [':@', '😠', 'angry'], ['(H)', '😎', 'cool'], [':S', '😕', 'confused'],
  ['(Y)', '👍', 'yes'], ['(N)', '👎', 'no'], ['(L)', '❤️', 'heart'], ['(U)', '💔', 'broken heart'], ['(K)', '💋', 'kiss'],
  ['(F)', '🌹', 'flower'], ['(C)', '☕', 'coffee'], ['(^)', '🎂', 'cake'], ['(*)', '⭐', 'star'], ['(8)', '🎵', 'note'],
]
const typingTime = 6000 // how long it counts that somebody was writing, in milliseconds
const typingEvery = 4000 // how often it is told
const freshTime = 10000 // how old a nudge may be that still shakes
const maxMessages = 500 // as many as the program keeps
const maxFile = 16 * 1024 * 1024

const state = { self: null, contacts: new Map(), talks: new Map(), messages: new Map(), unread: new Map(), typing: new Map(), talk: '' }

// element makes an element with classes and children, which are elements or text.
function element(name, classes, ...children) {
  const made = document.createElement(name)
  if (classes) made.className = classes
  made.append(...children)
  return made
}

// quoted is a text of somebody, which cannot turn the direction of what stands around it.
const quoted = (text) => element('bdi', '', text)

function symbol(id, classes) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
  svg.setAttribute('aria-hidden', 'true')
  if (classes) svg.setAttribute('class', classes)
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use')
  use.setAttribute('href', '#icon-' + id)
  svg.append(use)
  return svg
}

function image(path, alt, classes) {
  const made = element('img', classes)
  made.src = path
  made.alt = alt
  return made
}

function face(place, path, kind = 'figure') {
  const key = path || kind
  if (place.dataset.shows === key) return
  place.dataset.shows = key
  place.replaceChildren(path ? image(path, '') : symbol(kind))
}

const accountOf = (key) => (key.startsWith('person:') ? key.slice('person:'.length) : '')
const nameOf = (account) => state.contacts.get(account)?.name || account

function titleOf(talk) {
  if (talk.group) return talk.members.map(nameOf).join(', ') || 'Conversation of several people'
  const account = accountOf(talk.key)
  return state.contacts.get(account)?.name || talk.name || account
}

// talkOf is a conversation that is there or could begin.
function talkOf(key) {
  return state.talks.get(key) ?? { key, name: '', group: !accountOf(key), members: [] }
}

// The contact list.

function showSelf() {
  const me = state.self
  byId('owner').textContent = `of ${me.name}`
  byId('my-name').textContent = me.name
  face(byId('my-face'), me.picture)
  face(byId('own-face'), me.picture)
  byId('my-status').value = me.status
  byId('my-status').disabled = byId('my-words').disabled = !me.signedIn
  if (document.activeElement !== byId('my-words')) byId('my-words').value = me.personal
  showBanner()
  showCompose()
}

function entry(key, icon, iconClass, name, words, says) {
  const unread = state.unread.get(key) ?? 0
  const label = element('span', 'label', element('span', '', quoted(name)))
  if (words) label.append(element('span', 'words', quoted(words)))
  const button = element('button', '', symbol(icon, 'figure ' + iconClass), label)
  if (says) button.append(element('span', 'hidden', `, ${says}`))
  if (unread) button.append(element('span', 'unread', String(unread), element('span', 'hidden', ' unread')))
  button.type = 'button'
  button.dataset.talk = key
  button.setAttribute('aria-current', String(key === state.talk))
  button.addEventListener('click', () => choose(key, true))
  return element('li', '', button)
}

function showContacts() {
  const groups = [['Online', []], ['Offline', []], ['Conversations', []]]
  const contacts = [...state.contacts.values()].sort((a, b) => a.name.localeCompare(b.name))
  for (const c of contacts) {
    const status = statusNames[c.status] ?? c.status
    const words = [c.status === 'online' || c.status === 'offline' ? '' : `(${status})`, c.personal].filter(Boolean).join(' ')
    groups[c.status === 'offline' ? 1 : 0][1].push(entry('person:' + c.account, 'figure', c.status, c.name, words, status))
  }
  for (const talk of state.talks.values()) {
    if (state.contacts.has(accountOf(talk.key))) continue
    const words = talk.group ? 'several people' : `${accountOf(talk.key)}, not on the list`
    groups[2][1].push(entry(talk.key, talk.group ? 'group' : 'figure', 'away', titleOf(talk), words, ''))
  }
  const focused = document.activeElement?.dataset?.talk
  byId('contacts').replaceChildren(...groups.filter(([, of]) => of.length).flatMap(([name, of]) => [
    element('h2', '', `${name} (${of.length})`), element('ul', '', ...of),
  ]))
  if (focused) [...byId('contacts').querySelectorAll('button')].find((b) => b.dataset.talk === focused)?.focus()
  const unread = [...state.unread.values()].reduce((a, b) => a + b, 0)
  document.title = (unread ? `(${unread}) ` : '') + (state.self ? `${state.self.name} on MSN` : 'MSN side of the demo')
}

// The conversation.

// isShown tells whether somebody can see a conversation.
const isShown = (key) => key === state.talk && byId('talk').getClientRects().length > 0 && !document.hidden

document.addEventListener('visibilitychange', () => {
  if (isShown(state.talk) && state.unread.delete(state.talk)) showContacts()
})

function choose(key, byPerson) {
  if (key !== state.talk) {
    drafts.set(state.talk, byId('text').value)
    byId('text').value = drafts.get(key) ?? ''
    tell('')
  }
  state.talk = key
  state.unread.delete(key)
  app.dataset.view = key ? 'talk' : 'list'
  showContacts()
  showTalk()
  if (byPerson && key && !byId('text').disabled) byId('text').focus()
}
const drafts = new Map()

function showHead() {
  const talk = talkOf(state.talk)
  const contact = state.contacts.get(accountOf(state.talk))
  byId('title').replaceChildren(state.talk ? quoted(titleOf(talk)) : 'Conversation')
  const about = contact
    ? [statusNames[contact.status] ?? contact.status, contact.account, contact.personal].filter(Boolean)
    : talk.group ? talk.members : [accountOf(state.talk), 'not on the contact list']
  byId('about').replaceChildren(...(state.talk ? about.flatMap((text, i) => [i ? ' · ' : '', quoted(text)]) : []))
  face(byId('their-face'), contact?.picture, talk.group ? 'group' : 'figure')
}

function showTalk() {
  showHead()
  byId('empty').hidden = Boolean(state.talk)
  byId('open').hidden = !state.talk
  const history = byId('history')
  history.setAttribute('aria-busy', 'true') // what was said before is not read out again
  history.replaceChildren(...[...state.messages.values()].filter((m) => m.talk === state.talk).map(drawn))
  history.setAttribute('aria-busy', 'false')
  history.scrollTop = history.scrollHeight
  showTyping()
  showCompose()
}

function showCompose() {
  const off = !connected || !state.self?.signedIn
  for (const part of ['text', 'send', 'nudge-button', 'smile-button']) byId(part).disabled = off
  byId('picture-button').disabled = off || !accountOf(state.talk)
}

function bytes(n) {
  return n < 1024 ? `${n} bytes` : n < 1024 * 1024 ? `${Math.ceil(n / 1024)} KB` : `${(n / 1024 / 1024).toFixed(1)} MB`
}

function drawnFile(m) {
  const body = element('div', 'body')
  const file = m.file
  if (file.path && file.show === 'image') {
    const link = element('a', '', image(file.path, `Picture: ${file.name}`, 'shown'))
    link.href = file.path
    link.target = '_blank'
    link.rel = 'noopener'
    body.append(link)
  } else if (file.path && (file.show === 'audio' || file.show === 'video')) {
    const player = element(file.show, 'shown')
    player.controls = true
    player.preload = 'metadata'
    player.src = file.path
    player.setAttribute('aria-label', file.name)
    body.append(player)
  }
  const what = element('div', 'what')
  if (file.path) {
    const save = element('a', '', quoted(file.name))
    save.href = file.path + '?save'
    save.download = file.name
    what.append(save)
  } else {
    what.append(quoted(file.name))
  }
  const how = m.state !== 'under way' ? '' : m.mine ? ', waits to be accepted' : ', is coming'
  what.append(` (${bytes(file.bytes)}${how})`)
  body.append(what)
  return body
}

function drawn(m) {
  const made = element('div', `message ${m.kind}${m.mine ? ' mine' : ''}`)
  made.dataset.id = m.id
  const at = new Date(m.at)
  const time = element('time', '', at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' }))
  time.dateTime = at.toISOString()
  if (m.kind === 'nudge') {
    made.append(time, element('div', 'body', ...(m.mine ? [m.state === 'failed' ? 'Your nudge was not sent.' : 'You have sent a nudge.'] : [quoted(m.name), ' has sent you a nudge.'])))
  } else if (m.kind === 'note') {
    made.append(time, element('div', 'body', ...m.parts.map((part) => quoted(part.text))))
  } else {
    made.append(time, element('div', 'head', quoted(m.name), m.kind === 'file' ? ' sends:' : ' says:'))
    if (m.file) {
      made.append(drawnFile(m))
    } else {
      const body = element('div', 'body', ...m.parts.map((part) => (part.picture ? image(part.picture, part.text) : part.text)))
      body.dir = 'auto'
      made.append(body)
    }
  }
  if (m.state === 'failed') made.append(element('div', 'wrong', `${m.mine && m.kind !== 'nudge' ? 'Not delivered: ' : ''}${m.problem}`))
  return made
}

function showMessage(m) {
  const history = byId('history')
  const atEnd = history.scrollHeight - history.scrollTop - history.clientHeight < 60
  const made = drawn(m)
  const old = history.querySelector(`[data-id="${Number(m.id)}"]`)
  // What looks the same stays, so that it is not read out again.
  if (!old) history.append(made)
  else if (!old.isEqualNode(made)) old.replaceWith(made)
  const follow = () => { if (atEnd || (m.mine && !old)) history.scrollTop = history.scrollHeight }
  follow()
  for (const picture of made.querySelectorAll('img')) picture.addEventListener('load', follow, { once: true })
}

function showTyping() {
  const now = Date.now()
  const who = [...state.typing.values()].filter((t) => t.talk === state.talk && t.at + typingTime > now)
  const line = byId('typing')
  const names = who.map((t) => t.name)
  const key = JSON.stringify(names)
  if (line.dataset.shows === key) return
  line.dataset.shows = key
  line.replaceChildren(...(names.length ? [...names.flatMap((n, i) => [i ? ', ' : '', quoted(n)]), names.length > 1 ? ' are writing …' : ' is writing …'] : []))
}

function shake() {
  const pane = byId('talk')
  pane.classList.remove('shaking')
  void pane.offsetWidth // begins anew
  pane.classList.add('shaking')
}
byId('talk').addEventListener('animationend', () => byId('talk').classList.remove('shaking'))

// What comes.

function heard(m) {
  const before = state.messages.get(m.id)
  state.messages.set(m.id, m)
  while (state.messages.size > maxMessages) state.messages.delete(state.messages.keys().next().value)
  if (!before) {
    state.typing.delete(m.talk + '\n' + m.from)
    if (!state.talk && !m.mine) choose(m.talk)
    if (!isShown(m.talk) && !m.mine) state.unread.set(m.talk, (state.unread.get(m.talk) ?? 0) + 1)
  }
  if (m.kind === 'nudge' && m.at + freshTime > Date.now() && m.state !== before?.state && (!m.mine || m.state === 'done')) {
    if (m.talk !== state.talk && !m.mine && !byId('text').value) choose(m.talk)
    shake()
  }
  if (m.talk === state.talk) {
    showMessage(m)
    showTyping()
  }
  showContacts()
}

const takes = {
  self(me) { state.self = me; showSelf(); showContacts() },
  contact(c) { state.contacts.set(c.account, c); showContacts(); showHead() },
  'contact gone'(account) { state.contacts.delete(account); showContacts(); showHead() },
  talk(t) { state.talks.set(t.key, { ...t, members: t.members ?? [] }); showContacts(); showHead() },
  'talk gone'(key) {
    state.talks.delete(key)
    for (const [id, m] of state.messages) if (m.talk === key) state.messages.delete(id)
    state.unread.delete(key)
    if (state.talk === key) choose('')
    else showContacts()
  },
  message(m) { heard({ ...m, parts: m.parts ?? [] }) },
  typing(t) { state.typing.set(t.talk + '\n' + t.from, t); showTyping(); setTimeout(showTyping, typingTime) },
}

function takeAll(all) {
  state.self = all.self
  state.contacts = new Map((all.contacts ?? []).map((c) => [c.account, c]))
  state.talks = new Map((all.talks ?? []).map((t) => [t.key, { ...t, members: t.members ?? [] }]))
  state.messages = new Map((all.messages ?? []).map((m) => [m.id, { ...m, parts: m.parts ?? [] }]))
  const there = state.talks.has(state.talk) || state.contacts.has(accountOf(state.talk))
  const last = [...state.talks.keys()].pop()
  showSelf()
  choose(there ? state.talk : last ?? '')
}

let connected = false
let trouble = ''

function showBanner() {
  const banner = byId('banner')
  let text = ''
  if (!connected) text = trouble || 'Connecting …'
  else if (!state.self.signedIn) text = `${state.self.name} is signed out. Start the demo again.`
  else if (state.self.scripted) text = `${state.self.name} answers by a script until you write here.`
  banner.classList.toggle('bad', (!connected && trouble !== '') || state.self?.signedIn === false)
  banner.hidden = !text
  if (banner.textContent !== text) banner.textContent = text
}

function connection(is, why = '') {
  connected = is
  trouble = why
  showBanner()
  showCompose()
}

function connect() {
  const source = new EventSource('events')
  source.addEventListener('all', (event) => { connected = true; takeAll(JSON.parse(event.data)) })
  source.addEventListener('change', (event) => {
    const { kind, data } = JSON.parse(event.data)
    takes[kind]?.(data)
  })
  source.addEventListener('open', () => { if (state.self) connection(true) })
  source.addEventListener('error', () => {
    const refused = source.readyState === EventSource.CLOSED
    connection(false, refused
      ? 'This page is not connected: it may be open too often. Close another one; it tries again by itself.'
      : 'The demo does not answer. It has ended, or this page comes back by itself.')
    if (refused) {
      source.close()
      setTimeout(connect, 5000)
    }
  })
}

// What goes out.

function tell(problem) { byId('problem').textContent = problem }

// post asks for something, again if the answer is lost: what has a key is done once.
async function post(path, body, options = {}) {
  const send = () => fetch(path, { method: 'POST', headers: { 'Content-Type': options.type ?? 'application/json' }, body })
  let answer
  try {
    answer = await send().catch(send)
  } catch {
    throw new Error('The demo does not answer. Is it still running in its terminal?')
  }
  if (!answer.ok) throw new Error((await answer.text()).trim() || `The demo answers ${answer.status}.`)
}

// One thing after the other, so that they come in the order in which they were written.
let before = Promise.resolve()
function inTurn(ask, failed) {
  before = before.then(ask).then(() => tell(''), (error) => { tell(error.message); failed?.() })
}

const newKey = () => crypto.getRandomValues(new Uint32Array(4)).join('-')

function sendText() {
  const text = byId('text').value
  const talk = state.talk
  if (!text.trim() || byId('send').disabled) return
  byId('text').value = ''
  lastTyping = 0
  const body = JSON.stringify({ talk, text, key: newKey() })
  inTurn(() => post('text', body), () => {
    // It is not lost, and neither is what was written since.
    if (state.talk === talk) byId('text').value = [text, byId('text').value].filter(Boolean).join('\n')
    else drafts.set(talk, [text, drafts.get(talk)].filter(Boolean).join('\n'))
  })
}

function sendFile(file) {
  if (!file || !accountOf(state.talk)) return
  if (file.size > maxFile) return tell(`The file is too large: this page sends up to ${maxFile / 1024 / 1024} MB.`)
  const query = new URLSearchParams({ talk: state.talk, name: file.name, key: newKey() })
  inTurn(() => post(`file?${query}`, file, { type: 'application/octet-stream' }))
}

let lastTyping = 0
function typed() {
  const now = Date.now()
  if (!byId('text').value || byId('send').disabled || now < lastTyping + typingEvery) return
  lastTyping = now
  post('typing', JSON.stringify({ talk: state.talk })).catch(() => {}) // the text itself will tell
}

byId('compose').addEventListener('submit', (event) => { event.preventDefault(); sendText() })
byId('text').addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
    event.preventDefault()
    sendText()
  }
})
byId('text').addEventListener('input', typed)
byId('text').addEventListener('paste', (event) => {
  const [file] = event.clipboardData.files
  if (file) {
    event.preventDefault()
    sendFile(file)
  }
})
byId('nudge-button').addEventListener('click', () => {
  const body = JSON.stringify({ talk: state.talk, key: newKey() })
  inTurn(() => post('nudge', body))
})
byId('picture-button').addEventListener('click', () => byId('picture-file').click())
byId('picture-file').addEventListener('change', () => {
  sendFile(byId('picture-file').files[0])
  byId('picture-file').value = ''
})
byId('my-status').addEventListener('change', () => {
  inTurn(() => post('status', JSON.stringify({ status: byId('my-status').value })), showSelf)
})
byId('my-words').addEventListener('change', () => {
  inTurn(() => post('personal', JSON.stringify({ text: byId('my-words').value.trim() })), showSelf)
})
byId('my-words').addEventListener('keydown', (event) => { if (event.key === 'Enter') byId('my-words').blur() })
byId('back').addEventListener('click', () => {
  app.dataset.view = 'list'
  byId('contacts').querySelector('[aria-current="true"]')?.focus()
})

function showSmiles(show) {
  byId('smiles').hidden = !show
  byId('smile-button').setAttribute('aria-expanded', String(show))
}
byId('smile-button').addEventListener('click', () => showSmiles(byId('smiles').hidden))
byId('compose').addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && !byId('smiles').hidden) {
    showSmiles(false)
    byId('smile-button').focus()
  }
})
byId('smiles').append(...emoticons.map(([code, emoji, name]) => {
  const button = element('button', '', emoji)
  button.type = 'button'
  button.title = `${name} ${code}`
  button.setAttribute('aria-label', name)
  button.addEventListener('click', () => {
    const text = byId('text')
    const at = text.selectionStart
    const gap = at > 0 && !/\s/.test(text.value[at - 1]) ? ' ' : ''
    text.setRangeText(`${gap}${code} `, at, text.selectionEnd, 'end')
    text.focus()
    typed()
  })
  return button
}))

connection(false)
connect()
