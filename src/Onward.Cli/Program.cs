using System.Runtime.InteropServices;
using Onward.Cli;

using CancellationTokenSource interruption = new();
using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt);
using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt);
return Cli.Run(args, new Host
{
    Out = Console.Out,
    Error = Console.Error,
    ErrorIsTerminal = !Console.IsErrorRedirected,
    Interruption = interruption.Token,
    ShowTraces = Environment.GetEnvironmentVariable("ONWARD_DEBUG") == "1",
});

// The first signal ends the command in good order, a second one at once.
void Interrupt(PosixSignalContext signal)
{
    signal.Cancel = !interruption.IsCancellationRequested;
    interruption.Cancel();
}
