using Onward.Kernels;
using Onward.Threads;

namespace Onward.Laboratory;

/// <summary>
/// Measures how fast this machine multiplies packed matrices that lie in the cache. This is an upper limit for the speed of a
/// training step.
/// </summary>
public sealed class MatrixPeak
{
    private const int Rows = 128;
    private const int Columns = 512;
    private const int Depth = 512;
    private const int ProductsPerJob = 8;
    private const int JobsPerThread = 8;
    private const int Rounds = 12;

    private readonly WorkerTeam _team;
    private readonly Memory<float>[] _left;
    private readonly Memory<float>[] _right;
    private readonly Memory<float>[] _product;

    /// <summary>Allocates the matrices of each thread.</summary>
    /// <param name="team">The threads that multiply.</param>
    public MatrixPeak(WorkerTeam team)
    {
        _team = team;
        _left = Matrices(Rows * Depth);
        _right = Matrices(Gemm.PackedLength(Depth, Columns));
        _product = Matrices(Rows * Columns);
    }

    /// <summary>Measures the best of several rounds on all threads, in GFLOP/s.</summary>
    /// <param name="clock">Measures the time.</param>
    public double Measure(TimeProvider clock) => Enumerable.Range(0, Rounds).Max(_ => MeasureRound(clock));

    /// <summary>
    /// Measures one round on all threads, which takes a few hundredths of a second: the current speed of the machine, in
    /// GFLOP/s.
    /// </summary>
    /// <param name="clock">Measures the time.</param>
    public double MeasureRound(TimeProvider clock)
    {
        double operations = 2.0 * Rows * Columns * Depth * ProductsPerJob * JobsPerThread * _team.Count;
        long start = clock.GetTimestamp();
        _team.Run(JobsPerThread * _team.Count, Multiply);
        return operations / clock.GetElapsedTime(start).TotalSeconds / 1e9;
    }

    private void Multiply(int job, int worker)
    {
        for (int i = 0; i < ProductsPerJob; i++)
        {
            Gemm.MultiplyPacked(
                new(_left[worker].Span, Rows, Depth),
                new(_right[worker].Span, Depth, Columns),
                _product[worker].Span,
                Columns,
                accumulate: false);
        }
    }

    private Memory<float>[] Matrices(int length)
    {
        Memory<float>[] matrices = [.. Enumerable.Range(0, _team.Count).Select(_ => AlignedMemory.Allocate(length))];
        foreach (Memory<float> matrix in matrices)
        {
            matrix.Span.Fill(0.01f);
        }

        return matrices;
    }
}
