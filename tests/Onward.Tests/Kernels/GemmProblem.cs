using Onward.Kernels;

namespace Onward.Tests.Kernels;

/// <summary>
/// One matrix product: operands whose gaps between rows hold NaN, a result whose gaps hold a guard value, and the product
/// as a triple loop in float64.
/// </summary>
internal sealed class GemmProblem
{
    private const float Guard = -98765.5f;
    private const int Margin = 64;

    private readonly float[] _start;

    public GemmProblem(Random random, (bool Left, bool Right) transposed, int m, int n, int k, bool accumulate, int gap)
    {
        ((LeftTransposed, RightTransposed), M, N, K, Accumulate) = (transposed, m, n, k, accumulate);
        (AStride, BStride, CStride) = ((LeftTransposed ? m : k) + gap, (RightTransposed ? k : n) + gap, n + gap);
        A = LeftTransposed ? Matrix(random, k, m, gap) : Matrix(random, m, k, gap);
        B = RightTransposed ? Matrix(random, n, k, gap) : Matrix(random, k, n, gap);
        _start = Numbers.Filled(Margin + (m * CStride) + Margin, Guard);
        for (int i = 0; i < m * n; i++)
        {
            _start[Margin + (i / n * CStride) + (i % n)] = (2 * random.NextSingle()) - 1;
        }
    }

    public bool LeftTransposed { get; }

    public bool RightTransposed { get; }

    public int M { get; }

    public int N { get; }

    public int K { get; }

    public bool Accumulate { get; }

    public int AStride { get; }

    public int BStride { get; }

    public int CStride { get; }

    public float[] A { get; }

    public float[] B { get; }

    public string Name =>
        $"{M} x {N} x {K}, A {Form(LeftTransposed)}, B {Form(RightTransposed)}, {(Accumulate ? "+=" : "=")}, "
        + $"strides {AStride} {BStride} {CStride}";

    /// <summary>A fresh copy of C with its margins.</summary>
    public float[] NewC() => [.. _start];

    /// <summary>The part of a copy of C that is the matrix, and not a float more.</summary>
    public Span<float> Inside(float[] c) => c.AsSpan(Margin, ((M - 1) * CStride) + N);

    /// <summary>The part of A that begins at row i and step l.</summary>
    public MatrixView APart(int i, int l, int rows, int steps) => LeftTransposed
        ? new MatrixView(A.AsSpan(AAt(i, l)), steps, rows, AStride).Transposed
        : new MatrixView(A.AsSpan(AAt(i, l)), rows, steps, AStride);

    /// <summary>The part of B that begins at step l and column j.</summary>
    public MatrixView BPart(int l, int j, int steps, int columns) => RightTransposed
        ? new MatrixView(B.AsSpan(BAt(l, j)), columns, steps, BStride).Transposed
        : new MatrixView(B.AsSpan(BAt(l, j)), steps, columns, BStride);

    public void Multiply(GemmTiles tiles, float[] c) => Gemm.Multiply(
        tiles, APart(0, 0, M, K), BPart(0, 0, K, N), Inside(c), CStride, Accumulate, new float[K * tiles.Columns]);

    public void RequireExact(float[] c)
    {
        double[] sums = new double[N], sizes = new double[N];
        for (int i = 0; i < M; i++)
        {
            for (int j = 0; j < N; j++)
            {
                sums[j] = Accumulate ? _start[Margin + (i * CStride) + j] : 0;
                sizes[j] = Math.Abs(sums[j]);
            }

            for (int l = 0; l < K; l++)
            {
                double a = A[AAt(i, l)];
                for (int j = 0; j < N; j++)
                {
                    double term = a * B[BAt(l, j)];
                    sums[j] += term;
                    sizes[j] += Math.Abs(term);
                }
            }

            for (int j = 0; j < N; j++)
            {
                float actual = c[Margin + (i * CStride) + j];
                if (!(Math.Abs(actual - sums[j]) <= Tolerance.Chain(K) * sizes[j]))
                {
                    Assert.Fail($"{Name}: C[{i}, {j}] is {actual:R} instead of {sums[j]:R}");
                }
            }
        }
    }

    /// <summary>Asserts that the margins and the gaps between the rows are as they were.</summary>
    public void RequireUntouched(float[] c)
    {
        for (int i = 0; i < c.Length; i++)
        {
            int at = i - Margin;
            bool inside = at >= 0 && at < M * CStride && at % CStride < N;
            if (!inside && c[i] != Guard)
            {
                Assert.Fail($"{Name}: wrote outside of C, at {at}");
            }
        }
    }

    private static string Form(bool transposed) => transposed ? "transposed" : "plain";

    private int AAt(int i, int l) => LeftTransposed ? (l * AStride) + i : (i * AStride) + l;

    private int BAt(int l, int j) => RightTransposed ? (j * BStride) + l : (l * BStride) + j;

    // Exactly as long as the sizes require: the last row has no gap.
    private static float[] Matrix(Random random, int rows, int columns, int gap)
    {
        float[] matrix = new float[rows == 0 || columns == 0 ? 0 : (rows * (columns + gap)) - gap];
        for (int i = 0; i < matrix.Length; i++)
        {
            matrix[i] = i % (columns + gap) < columns ? (2 * random.NextSingle()) - 1 : float.NaN;
        }

        return matrix;
    }
}
