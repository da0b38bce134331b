using Onward.Cli;

using Interruption interruption = new();
return Cli.Run(args, new Host
{
    Out = Console.Out,
    Error = Console.Error,
    ErrorIsTerminal = !Console.IsErrorRedirected,
    Interruption = interruption.Token,
    ShowTraces = Environment.GetEnvironmentVariable("ONWARD_DEBUG") == "1",
});
