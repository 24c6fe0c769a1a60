/**
 * The messages of docs/protocol.md, version 1, and what the server puts into the page.
 *
 * @typedef {{title: string, subtitle?: string, price?: string, text?: string, image?: string, url?: string, facts?: [string, string][]}} Card
 * @typedef {{url: string, start_ms: number, duration_ms: number}} StoredAudio
 * @typedef {"user" | "assistant" | "operator"} Role
 * @typedef {"streaming" | "done" | "interrupted" | "failed"} TurnStatus
 * @typedef {{
 *   id: string, seq: number, rev: number, role: Role, kind: string, status: TurnStatus, text: string,
 *   heard: string | null, heard_ms: number | null, cards: Card[], error: string, rating: number | null,
 *   client_id: string | null, reply_to: string | null, audio: StoredAudio[], at: string
 * }} Turn
 * @typedef {{text_chars: number, pending: number, frame_bytes: number}} Limits
 * @typedef {{encoding: "pcm_s16le", rate: 24000, framing: "binary"}} AudioFormat
 * @typedef {{encoding: "pcm_s16le", rate: 16000}} VoiceFormat
 * @typedef {"open" | "push_to_talk"} TalkMode
 *
 * @typedef {{
 *   type: "ready", conversation: string, rev: number, bot: {slug: string, name: string, language: string},
 *   turns: Turn[], audio: {out: AudioFormat | null, in: VoiceFormat | null}, recording: boolean, limits: Limits
 * }} Ready
 * @typedef {{type: "ack", id: string, turn: string, reply: string, rev: number}} Ack
 * @typedef {{type: "state", person: "silent" | "hearing" | "endpointing", bot: "silent" | "thinking" | "speaking" | "held"}} State
 * @typedef {{type: "transcript", utterance: string, text: string, final: boolean}} SpeechTranscript
 * @typedef {{type: "reply_start", reply: string, turn: string | null, kind: string, generation: number, voice: string | null}} ReplyStart
 * @typedef {{type: "delta", reply: string, offset: number, text: string}} Delta
 * @typedef {{type: "cards", reply: string, cards: Card[]}} CardsShown
 * @typedef {{type: "text_end", reply: string, text: string}} TextEnd
 * @typedef {{type: "sentence", reply: string, index: number, text: string, start: number, offset_ms: number}} Sentence
 * @typedef {{type: "clear", generation: number}} Clear
 * @typedef {{type: "reply_end", reply: string, status: "done" | "interrupted" | "failed", text: string, heard_ms: number | null, heard: string | null, rev: number}} ReplyEnd
 * @typedef {{type: "turn", turn: Turn, rev: number}} TurnChanged
 * @typedef {{type: "error", code: string, message: string, retry: number | null, id: string | null}} ErrorMessage
 * @typedef {{name: string, label?: string, kind?: "text" | "number" | "email" | "tel" | "date" | "choice", required?: boolean, choices?: string[]}} AskField
 * @typedef {{type: "ask", reply: string, id: string, fields: AskField[]}} Ask
 * @typedef {{type: "watched", watched: boolean, text: string}} Watched
 * @typedef {{type: "audio_owner", here: boolean}} AudioOwner
 * @typedef {{type: "going_away", retry_after: number}} GoingAway
 * @typedef {{type: "pong", id: string | null}} Pong
 * @typedef {Ready | Ack | State | SpeechTranscript | ReplyStart | Delta | CardsShown | TextEnd | Sentence | Clear | ReplyEnd | TurnChanged | Watched | Ask | ErrorMessage | AudioOwner | GoingAway | Pong} ServerMessage
 *
 * @typedef {{type: "hello", version: 1, conversation: string | null, bot?: string, last_rev: number, audio: {out: AudioFormat | null, in: VoiceFormat}, record: boolean | null, voice?: string, speed: number, language: string}} Hello
 * @typedef {Hello
 *   | {type: "text", id: string, text: string}
 *   | {type: "interrupt"}
 *   | {type: "played", reply: string, ms: number, done: boolean}
 *   | {type: "microphone", on: boolean, mode: TalkMode}
 *   | {type: "speech_start"}
 *   | {type: "speech_stop"}
 *   | {type: "configure", voice?: string, speed?: number, audio?: boolean, record?: boolean}
 *   | {type: "rate", turn: string, value: -1 | 0 | 1}
 *   | {type: "input", id: string, values: Record<string, string>}
 *   | {type: "take_audio"}
 *   | {type: "ping", id?: string}} ClientMessage
 *
 * @typedef {{id: string, name: string, language: string, engine: string}} Voice
 * @typedef {{
 *   socketPath: string, conversation: string | null, language: string,
 *   bot: {slug: string, name: string, language: string, greeting: string},
 *   voices: Voice[], person: {name: string, is_guest: boolean}, limits: Limits,
 *   record: "always" | "ask" | "never",
 *   urls: {worklet: string, microphoneWorklet: string, chat: string, conversation: string, login: string}
 * }} PageConfig
 */

export {};
