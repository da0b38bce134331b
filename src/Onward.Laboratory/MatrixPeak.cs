using Onward.Kernels;
using Onward.Threads;

namespace Onward.Laboratory;

/// <summary>Measures how fast this machine multiplies matrices that lie packed in cache: the ceiling of a training step.</summary>
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

    /// <summary>Allocates matrices for each thread.</summary>
    /// <param name="team">The threads that multiply.</param>
    public MatrixPeak(WorkerTeam team)
    {
        _team = team;
        _left = Matrices(Rows * Depth);
        _right = Matrices(Gemm.PackedLength(Depth, Columns));
        _product = Matrices(Rows * Columns);
    }

    /// <summary>The best of several rounds on all threads, in GFLOP/s.</summary>
    /// <param name="clock">Tells the time.</param>
    public double Measure(TimeProvider clock) => Enumerable.Range(0, Rounds).Max(_ => MeasureRound(clock));

    /// <summary>One round on all threads, a few hundredths of a second: what the machine gives at this moment, in GFLOP/s.</summary>
    /// <param name="clock">Tells the time.</param>
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
                GemmLeft.Plain,
                Rows,
                Columns,
                Depth,
                _left[worker].Span,
                Depth,
                _right[worker].Span,
                Depth,
                0,
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
