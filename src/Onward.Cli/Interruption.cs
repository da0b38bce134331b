using System.Runtime.InteropServices;

namespace Onward.Cli;

/// <summary>Ends the command cleanly after a signal that ends the process, or that warns of its end.</summary>
internal sealed class Interruption : IDisposable
{
    // SIGUSR1, SIGUSR2 and SIGXCPU on Linux, for which .NET has no names. Schedulers send them before they kill a job.
    private static readonly PosixSignal[] Warnings = [(PosixSignal)10, (PosixSignal)12, (PosixSignal)24];

    private readonly CancellationTokenSource _end = new();
    private readonly List<PosixSignalRegistration> _registrations;
    private int _requests;

    /// <summary>Registers for the signals. A signal that the process inherited as ignored, for example from nohup, stays ignored.</summary>
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

    // A second Ctrl-C or SIGTERM ends the process at once. Other signals may arrive several times for one event: when a terminal closes,
    // the shell and the kernel both send SIGHUP.
    private void End(PosixSignalContext signal)
    {
        bool isRequest = signal.Signal is PosixSignal.SIGINT or PosixSignal.SIGTERM;
        signal.Cancel = !(isRequest && Interlocked.Increment(ref _requests) > 1);
        _end.Cancel();
    }
}
