using System.Runtime.InteropServices;

namespace Onward.Cli;

/// <summary>The signals that end a program, or warn that it is going to be ended: each ends the command in good order.</summary>
internal sealed class Interruption : IDisposable
{
    // .NET has no names for these, which schedulers send before they kill: SIGUSR1, SIGUSR2 and SIGXCPU, as Linux numbers them.
    private static readonly PosixSignal[] Warnings = [(PosixSignal)10, (PosixSignal)12, (PosixSignal)24];

    private readonly CancellationTokenSource _end = new();
    private readonly List<PosixSignalRegistration> _registrations;
    private int _requests;

    /// <summary>Begins to wait for signals. A signal that this process was started to ignore, as by nohup, stays ignored.</summary>
    internal Interruption()
    {
        PosixSignal[] warnings = OperatingSystem.IsLinux() ? Warnings : [];
        IEnumerable<PosixSignal> signals = [PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP, .. warnings];
        _registrations = [.. signals.Select(signal => PosixSignalRegistration.Create(signal, End))];
    }

    /// <summary>Cancelled by the first signal.</summary>
    internal CancellationToken Token => _end.Token;

    /// <inheritdoc/>
    public void Dispose()
    {
        _registrations.ForEach(registration => registration.Dispose());
        _end.Dispose();
    }

    // Who presses Ctrl-C twice, or sends SIGTERM after it, wants an end at once. Warnings come in numbers by themselves: when a terminal
    // closes, the shell and the system both send SIGHUP.
    private void End(PosixSignalContext signal)
    {
        bool isRequest = signal.Signal is PosixSignal.SIGINT or PosixSignal.SIGTERM;
        signal.Cancel = !(isRequest && Interlocked.Increment(ref _requests) > 1);
        _end.Cancel();
    }
}
