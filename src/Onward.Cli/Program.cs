using System.Text;
using Onward.Cli;

using Interruption interruption = new();
return Cli.Run(args, new Host
{
    Out = Writer(StandardStream.OpenOutput()),
    Error = Writer(StandardStream.OpenError()),
    OutWidth = () => StandardStream.OutputWidth,
    ErrorWidth = () => StandardStream.ErrorWidth,
    OutIsTerminal = !Console.IsOutputRedirected,
    ErrorIsTerminal = !Console.IsErrorRedirected,
    Interruption = interruption.Token,
    ShowTraces = Environment.GetEnvironmentVariable("ONWARD_DEBUG") == "1",
});

static StreamWriter Writer(Stream stream) => new(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { AutoFlush = true };
