using Onward.Kernels;
using Onward.Threads;

namespace Onward.Laboratory;

/// <summary>
/// Measures how fast the threads of this machine copy numbers in the second-level cache. This speed limits everything except
/// matrix products.
/// </summary>
public sealed class CopyPeak
{
    // Half a megabyte for source and target together: more than the first-level cache holds, less than the second-level cache holds.
    private const int Length = 64 * 1024;
    private const int CopiesPerJob = 64;
    private const int Rounds = 12;

    private readonly WorkerTeam _team;
    private readonly Memory<float>[] _memory;

    /// <summary>Allocates the memory of each thread.</summary>
    /// <param name="team">The threads that copy.</param>
    public CopyPeak(WorkerTeam team)
    {
        _team = team;
        _memory = [.. Enumerable.Range(0, team.Count).Select(_ => AlignedMemory.Allocate(2 * Length))];
    }

    /// <summary>Measures the best of several rounds on all threads, in bytes read and written per second.</summary>
    /// <param name="clock">Measures the time.</param>
    public double Measure(TimeProvider clock)
    {
        double bytes = 2.0 * sizeof(float) * Length * CopiesPerJob * _team.Count;
        double best = 0;
        for (int round = 0; round < Rounds; round++)
        {
            long start = clock.GetTimestamp();
            _team.Run(_team.Count, Copy);
            best = Math.Max(best, bytes / clock.GetElapsedTime(start).TotalSeconds);
        }

        return best;
    }

    private void Copy(int job, int worker)
    {
        Span<float> memory = _memory[worker].Span;
        for (int i = 0; i < CopiesPerJob; i++)
        {
            memory[..Length].CopyTo(memory[Length..]);
        }
    }
}
