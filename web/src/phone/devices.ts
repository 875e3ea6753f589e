// Microphones and speakers: which there are, which is chosen, and getting at the microphone.
import { explainMicrophone, type Reason } from './reasons.ts';

export interface Device {
  id: string;
  label: string;
}

export interface Devices {
  microphones: Device[];
  speakers: Device[];
  named: boolean; // browsers tell the names only after the microphone was allowed once
}

export const NO_DEVICES: Devices = { microphones: [], speakers: [], named: false };

/** Whether the page can choose a speaker; elsewhere the system does. */
export const canChooseSpeaker = (): boolean => 'setSinkId' in HTMLMediaElement.prototype;

export async function listDevices(): Promise<Devices> {
  if (!navigator.mediaDevices?.enumerateDevices) return NO_DEVICES;
  const all = await navigator.mediaDevices.enumerateDevices();
  const of = (kind: MediaDeviceKind) =>
    all
      .filter((d) => d.kind === kind && d.deviceId !== '' && d.deviceId !== 'default')
      .map((d) => ({ id: d.deviceId, label: d.label }));
  return {
    microphones: of('audioinput'),
    speakers: of('audiooutput'),
    named: all.some((d) => d.label !== ''),
  };
}

/** '' is the system's own choice. */
export async function openMicrophone(
  id: string,
): Promise<{ stream: MediaStream } | { reason: Reason }> {
  if (!navigator.mediaDevices?.getUserMedia) return { reason: explainMicrophone('', false) };
  const audio: MediaTrackConstraints = {
    echoCancellation: true,
    noiseSuppression: true,
    autoGainControl: true,
  };
  if (id) audio.deviceId = { exact: id };
  try {
    return { stream: await navigator.mediaDevices.getUserMedia({ audio, video: false }) };
  } catch (error) {
    const name = error instanceof DOMException || error instanceof Error ? error.name : '';
    return { reason: explainMicrophone(name, isSecureContext) };
  }
}

export function closeMicrophone(stream: MediaStream | null): void {
  for (const track of stream?.getTracks() ?? []) track.stop();
}
