export type SsmlVoice = {
  readonly locale: string | undefined;
  readonly voiceName: string | undefined;
  readonly voiceKind: string | undefined;
};

/**
 * Who is to speak SSML, as its first tags of the kind say: `xml:lang` of `speak`, `name` and `gender` of
 * `voice`. For engines that take it as an argument. Accepts any text; what it says is not checked.
 */
export function ssmlVoice(ssml: string): SsmlVoice {
  return {
    locale: attribute(ssml, 'speak', 'xml:lang'),
    voiceName: attribute(ssml, 'voice', 'name'),
    voiceKind: attribute(ssml, 'voice', 'gender'),
  };
}

function attribute(ssml: string, element: string, name: string): string | undefined {
  const tag = new RegExp(`<${element}(?=\\s)[^<>]*`).exec(ssml)?.[0] ?? '';
  const [, double, single] =
    new RegExp(`\\s${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)')`).exec(tag) ?? [];
  return double ?? single;
}
