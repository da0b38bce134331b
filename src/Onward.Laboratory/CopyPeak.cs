using Onward.Kernels;
using Onward.Threads;

namespace Onward.Laboratory;

/// <summary>
/// Measures how fast this machine's threads copy numbers that lie in the second cache: the ceiling of all that is not a matrix product.
/// </summary>
public sealed class CopyPeak
{
    // Half a megabyte for source and target together: past the first cache, within the second.
    private const int Length = 64 * 1024;
    private const int CopiesPerJob = 64;
    private const int Rounds = 12;

    private readonly WorkerTeam _team;
    private readonly Memory<float>[] _memory;

    /// <summary>Allocates memory for each thread.</summary>
    /// <param name="team">The threads that copy.</param>
    public CopyPeak(WorkerTeam team)
    {
        _team = team;
        _memory = [.. Enumerable.Range(0, team.Count).Select(_ => AlignedMemory.Allocate(2 * Length))];
    }

    /// <summary>The best of several rounds on all threads, in bytes read and written a second.</summary>
    /// <param name="clock">Tells the time.</param>
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
