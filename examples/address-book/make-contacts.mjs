// Writes contacts.vcf, the same bytes every time: invented people, with numbers and domains that are reserved for examples.
import { writeFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'

const COUNT = 540
const SEED = 2024

/** Names of one language, and a place where they live. */
const PLACES = [
  {
    given: 'Ada Grace Henry Olive Maud Edwin Iris Basil',
    family: 'Ashdown Birchwood Cobble Dunmore Fernley',
    town: 'Springfield',
    country: 'USA'
  },
  {
    given: 'Liv Åse Jørgen Søren Mård Þóra Björk',
    family: 'Åkerlund Ødegård Nyström Þorsson Ærø',
    town: 'Nordhavn',
    country: 'Norge'
  },
  {
    given: 'José Inés Ramón Begoña Íñigo Núria',
    family: 'Peñalara Güell Ibáñez Quiñones',
    town: 'Villanueva',
    country: 'España'
  },
  {
    given: 'Zoë Jürgen Käthe Björn Großmut',
    family: 'Müllerin Weißbach Öhlschläger Grünwald',
    town: 'Neustadt',
    country: 'Deutschland'
  },
  {
    given: 'Олена Богдан Ірина Тарас Єва',
    family: 'Вишнева Дубовий Сонячна Їжакевич',
    town: 'Нове Місто',
    country: 'Україна'
  },
  {
    given: 'Ελένη Νίκος Δάφνη Ορέστης',
    family: 'Θαλασσινός Πεύκου Αστεριάδης',
    town: 'Νέα Πόλη',
    country: 'Ελλάδα'
  },
  { given: 'さくら 蓮 陽菜 大翔 美咲', family: '青空 星野川 月見里 小鳥遊', town: '新町', country: '日本' },
  { given: '明 小雨 子轩 梓涵', family: '云 松林 江南', town: '新城', country: '中国' },
  { given: '지우 서준 하은 도윤', family: '새벽 구름 하늘', town: '새마을', country: '대한민국' },
  { given: 'ليلى سامي نور ياسمين', family: 'الورد النجم البحر', town: 'المدينة الجديدة', country: 'الأردن' },
  { given: 'נועה איתן תמר אורי', family: 'כוכבי אלון־ים גלבוע', town: 'עיר חדשה', country: 'ישראל' },
  { given: 'आशा रवि मीरा अर्जुन', family: 'सूर्यवन कमलनयन तारा', town: 'नया नगर', country: 'भारत' }
].map(({ given, family, ...place }) => ({ given: given.split(' '), family: family.split(' '), ...place }))
const STREETS = ['Main St', 'Elm St, Apt 2', 'Harbour Rd; Pier 3', 'Chestnut Ave', 'Station Sq']
const COMPANIES = [
  'Acme, Inc.',
  'Blue & Sons; Ltd',
  'Initech',
  'Café “Étoile”',
  '株式会社さくら',
  'Back\\slash Books'
]
const UNITS = ['', 'R&D', 'Sales; Export', 'Kitchen']
const TITLES = ['Engineer', 'Baker', 'Teacher, part-time', 'Vet', 'Pilot', 'Luthier']
const GROUPS = ['friends', 'family', 'work', 'choir', 'neighbours', 'book club, Tuesdays']
const NOTES = [
  'Met at the fair.\nLikes long walks; dislikes phones.',
  'Feeds the cat 🐈 when we are away, key under the third pot, not the second.',
  'Allergic to nuts 🥜!',
  'Rings twice, then hangs up\\waits.',
  'Speaks five languages: ask about the trip around the world, the one with the broken sail and the very small dog 🐕⛵.'
]
const AREAS = ['202', '212', '305', '312', '415', '503', '617', '702']
const DOMAINS = ['example.org', 'example.com', 'mail.example', 'post.example']
const PIXEL = 'R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7'

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(fileURLToPath(new URL('contacts.vcf', import.meta.url)), makeContacts())
}

/** @returns the file's text */
export function makeContacts() {
  const random = mulberry32(SEED)
  return Array.from({ length: COUNT }, (_, i) => makeCard(i, random)).join('')
}

/**
 * @param {number} i
 * @param {() => number} random
 */
function makeCard(i, random) {
  const chance = (/** @type {number} */ share) => random() < share
  const below = (/** @type {number} */ end) => Math.floor(random() * end)
  const pick = (/** @type {string[]} */ list) => list[below(list.length)] ?? ''
  const isNew = chance(0.5)
  const place = PLACES[chance(0.4) ? 0 : below(PLACES.length)] ?? PLACES[0]
  if (place === undefined) throw new Error('no places')
  const [given, family, title] = [pick(place.given), pick(place.family), chance(0.1) ? 'Dr.' : '']
  const phone = () => `+1-${pick(AREAS)}-555-01${String(below(100)).padStart(2, '0')}`

  const lines = ['BEGIN:VCARD', isNew ? 'VERSION:4.0' : 'VERSION:3.0']
  const add = (/** @type {string} */ name, /** @type {string[]} */ ...parts) =>
    lines.push(`${name}:${parts.map(escape).join(';')}`)

  if (chance(0.6))
    add('UID', `${isNew ? 'urn:uuid:' : ''}00000000-0000-4000-8000-${String(i).padStart(12, '0')}`)
  add('N', family, given, '', title, '')
  add('FN', [title, given, family].filter(Boolean).join(' '))
  if (chance(0.15)) add('NICKNAME', `${given}${pick(['', ' 🎉', 'chen', ', the elder'])}`)
  if (chance(0.9))
    lines.push(
      isNew
        ? `TEL;VALUE=uri;PREF=1;TYPE="cell,voice":tel:${phone()}`
        : `TEL;TYPE=CELL,VOICE;TYPE=pref:${phone()}`
    )
  if (chance(0.4))
    lines.push(isNew ? `TEL;TYPE=home:${phone()}` : `TEL;TYPE=HOME:${phone().replaceAll('-', ' ')}`)
  if (chance(0.2))
    lines.push(`item1.TEL:${phone()}`, `item1.X-ABLabel:${pick(['_$!<Mobile>!$_', 'Boat', 'Summer house'])}`)
  add(isNew ? 'EMAIL;TYPE=home' : 'EMAIL;TYPE=INTERNET,HOME', `contact${i}@${pick(DOMAINS)}`)
  if (chance(0.3)) add('EMAIL;TYPE=work', `office.${i}@${pick(DOMAINS)}`)
  if (chance(0.5)) add('ORG', pick(COMPANIES), pick(UNITS))
  if (chance(0.4)) add('TITLE', pick(TITLES))
  if (chance(0.5))
    add(
      'ADR;TYPE=home',
      '',
      '',
      `${1 + below(99)} ${pick(STREETS)}`,
      place.town,
      '',
      `${10_000 + below(89_999)}`,
      place.country
    )
  if (chance(0.4)) lines.push(`BDAY:${birthday(below, isNew)}`)
  if (chance(0.3)) add('NOTE', pick(NOTES))
  if (chance(0.3))
    lines.push(`CATEGORIES:${[...new Set([pick(GROUPS), pick(GROUPS)])].map(escape).join(',')}`)
  if (chance(0.2)) lines.push(`PHOTO${isNew ? '' : ';VALUE=URI'}:https://photos.example.org/${i}.jpg`)
  else if (chance(0.05))
    lines.push(isNew ? `PHOTO:data:image/gif;base64,${PIXEL}` : `PHOTO;ENCODING=b;TYPE=GIF:${PIXEL}`)
  if (chance(0.1)) lines.push(`URL:https://example.org/people/${i}`)
  return [...lines, 'END:VCARD'].map((line) => `${fold(line)}\r\n`).join('')
}

/**
 * Of some the year is unknown, which only vCard 4.0 can say.
 *
 * @param {(end: number) => number} below
 * @param {boolean} isNew
 */
function birthday(below, isNew) {
  const [month, day] = [1 + below(12), 1 + below(28)].map((number) => String(number).padStart(2, '0'))
  if (isNew && below(4) === 0) return `--${month}${day}`
  const year = 1930 + below(80)
  return isNew ? `${year}${month}${day}` : `${year}-${month}-${day}`
}

/** @param {string} text */
function escape(text) {
  return text.replace(/[\\,;]/g, (character) => `\\${character}`).replaceAll('\n', '\\n')
}

/**
 * At most 75 octets a line (RFC 6350, section 3.2), and no character cut in two.
 *
 * @param {string} line
 */
function fold(line) {
  let folded = ''
  let octets = 0
  for (const character of line) {
    const size = Buffer.byteLength(character)
    if (octets + size > 75) {
      folded += '\r\n '
      octets = 1
    }
    folded += character
    octets += size
  }
  return folded
}

/**
 * A small seeded generator, public domain, by Tommy Ettinger.
 *
 * @param {number} seed
 */
function mulberry32(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let bits = Math.imul(state ^ (state >>> 15), state | 1)
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
  }
}
