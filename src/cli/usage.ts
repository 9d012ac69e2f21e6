import { optionsHelp } from '../config/document.ts';

export const USAGE = `Usage: tapedeck <verb> [options]

  start                               runs the server
  demo [--once]                       runs the server, and records a call between two simulated
                                      phones with the official SDK; --once ends it then
  recordings list                     recordings, newest first
  recordings download <id>            the files of a recording (or of one document)
      --output <path>                 a file, or a directory; - is standard output
      --metadata                      the metadata document instead of the audio
  recordings show <recording>         one recording: its files, channels and waveforms
  recordings delete <recording>       removes its files, metadata and journal for good
  render <recording>                  makes another format or layout of a finished recording
      --format wav|mp3                wav if not said
      --channels mixed|unmixed        mixed if not said; unmixed is wav
      --output <path>                 downloads it there, as recordings download does
  audit                               who downloaded, rendered and deleted what, newest first
  events list                         events, newest first, with their destinations
  events show <event>                 one event with every attempt to deliver it
  events redeliver <event>            delivers it again, to all its destinations
  sim call <phone> <to>               lets a simulated phone call a number, a user or a SIP URI
  sdk-env                             what each SDK needs to reach this server, for a shell to source
      --hosts                         only the line for the hosts file
  journal dump <path>                 prints a journal (a directory) or a segment of one (a file)
  help, version

Lists take --limit <count> (50), --before <time> (ISO 8601) and --json; the other verbs that ask the
server take --json too. They find it by the same --ready-file, or the same --http-host, --http-port,
--access-key and --admin-token, as it was started with.
`;

export function helpText(): string {
  return `${USAGE}
Options of start and demo, each also a variable TAPEDECK_… and a key of tapedeck.yaml:

${optionsHelp()}
`;
}
