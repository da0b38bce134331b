using System.Runtime.ExceptionServices;

namespace Onward.Data;

/// <summary>Fills a ring of slots on a background thread, ahead of the thread that reads them in order.</summary>
/// <remarks>Step s uses slot s modulo the number of slots. The reader holds one slot while the others are filled.</remarks>
internal sealed class Prefetcher<T> : IDisposable
{
    private readonly object _gate = new();
    private readonly T[] _slots;
    private readonly Thread _thread;

    // All fields below are guarded by _gate. Steps before _released may be overwritten; steps before _next are ready.
    private Action<T, int>? _fill;
    private int _released;
    private int _next;
    private int _end;
    private bool _filling;
    private ExceptionDispatchInfo? _fault;
    private bool _disposed;

    public Prefetcher(T[] slots)
    {
        _slots = slots;
        _thread = new Thread(Work) { IsBackground = true, Name = "Onward prefetch" };
        _thread.Start();
    }

    /// <summary>Yields steps <paramref name="first"/> to <paramref name="end"/> - 1. Only one enumeration may run at a time.</summary>
    /// <remarks>An exception of <paramref name="fill"/> is rethrown to the reader at the step that failed.</remarks>
    public IEnumerable<T> Run(int first, int end, Action<T, int> fill, CancellationToken cancellation)
    {
        Begin(first, end, fill);
        try
        {
            using CancellationTokenRegistration registration = cancellation.Register(Wake);
            for (int step = first; step < end; step++)
            {
                yield return Take(step, cancellation);
            }
        }
        finally
        {
            End();
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            Monitor.PulseAll(_gate);
        }

        _thread.Join();
    }

    private void Begin(int first, int end, Action<T, int> fill)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_fill is not null)
            {
                throw new InvalidOperationException("Batches are already being read: end one enumeration before starting another.");
            }

            (_fill, _released, _next, _end, _fault) = (fill, first, first, end, null);
            Monitor.PulseAll(_gate);
        }
    }

    private T Take(int step, CancellationToken cancellation)
    {
        lock (_gate)
        {
            _released = step;
            Monitor.PulseAll(_gate);
            while (_next <= step && _fault is null && !_disposed && !cancellation.IsCancellationRequested)
            {
                Monitor.Wait(_gate);
            }

            cancellation.ThrowIfCancellationRequested();
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_next <= step)
            {
                _fault!.Throw();
            }

            return _slots[step % _slots.Length];
        }
    }

    private void End()
    {
        lock (_gate)
        {
            _end = 0;
            while (_filling)
            {
                Monitor.Wait(_gate);
            }

            _fill = null;
        }
    }

    private void Wake()
    {
        lock (_gate)
        {
            Monitor.PulseAll(_gate);
        }
    }

    private void Work()
    {
        while (NextJob() is var (fill, step))
        {
            ExceptionDispatchInfo? fault = null;
            try
            {
                fill(_slots[step % _slots.Length], step);
            }
            catch (Exception exception)
            {
                fault = ExceptionDispatchInfo.Capture(exception);
            }

            lock (_gate)
            {
                _filling = false;
                _fault = fault;
                _next += fault is null ? 1 : 0;
                Monitor.PulseAll(_gate);
            }
        }
    }

    private (Action<T, int> Fill, int Step)? NextJob()
    {
        lock (_gate)
        {
            while (!_disposed && (_fill is null || _fault is not null || _next >= _end || _next - _released == _slots.Length))
            {
                Monitor.Wait(_gate);
            }

            if (_disposed)
            {
                return null;
            }

            _filling = true;
            return (_fill!, _next);
        }
    }
}
