/** What is used here of wavesurfer.js; its own types stand in its package. */

interface Lane {
  waveColor?: string;
  progressColor?: string;
}

export interface Options extends Lane {
  container: HTMLElement;
  media: HTMLMediaElement;
  peaks: number[][];
  duration: number;
  height: number;
  splitChannels: Lane[];
  normalize: boolean;
  maxPeak: number;
  barWidth: number;
  barGap: number;
  barRadius: number;
  cursorWidth: number;
  interact: boolean;
}

export default class WaveSurfer {
  static create(options: Options): WaveSurfer;
  setOptions(options: Partial<Options>): void;
}
