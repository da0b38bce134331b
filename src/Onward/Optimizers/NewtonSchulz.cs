using System.Numerics.Tensors;
using Onward.Kernels;
using Onward.Threads;

namespace Onward.Optimizers;

/// <summary>Reads or writes a row of a matrix.</summary>
/// <param name="start">The place of the row in the parameter.</param>
/// <param name="row">The row.</param>
internal delegate void MatrixRow(int start, Span<float> row);

/// <summary>
/// Replaces the singular values of matrices by values near 1, by five Newton-Schulz iterations (Jordan 2024): X = a X + b (X X') X +
/// c (X X')² X, with a = 3.4445, b = -4.7750 and c = 2.0315, from X = U / |U|. Singular values between 0.01 and 1 of the norm come out
/// between about 0.7 and 1.2.
/// </summary>
/// <remarks>
/// Products are cut into rows, which threads share. The bits of a row do not depend on the cut. The square matrix is X X' or X' X,
/// whichever is smaller.
/// </remarks>
internal sealed class NewtonSchulz
{
    /// <summary>Number of iterations.</summary>
    internal const int Iterations = 5;

    private const float A = 3.4445f, B = -4.7750f, C = 2.0315f;

    // Keeps a matrix of 0 at 0.
    private const double Least = 1e-7;

    // Rows of a product in a job: the right-hand matrix is packed again in each.
    private const int JobRows = 192;

    private readonly WorkerTeam? _team;
    private readonly Memory<float> _matrices;
    private readonly Memory<float> _next;
    private readonly Memory<float> _square;
    private readonly Memory<float> _polynomial;
    private readonly Memory<float>[] _workspace;
    private readonly Action<int, int> _fillRows;
    private readonly Action<int, int> _normalize;
    private readonly Action<int, int> _squareRows;
    private readonly Action<int, int> _polynomialRows;
    private readonly Action<int, int> _multiplyRows;
    private readonly Action<int, int> _takeRows;

    // The matrices at work.
    private MatrixGroups _shape;
    private Memory<float> _x;
    private Memory<float> _y;
    private MatrixRow _fill = (_, _) => { };
    private MatrixRow _take = (_, _) => { };

    /// <summary>Allocates the memory for parameters that are orthogonalised one after the other.</summary>
    /// <param name="parameters">The matrices of each parameter.</param>
    /// <param name="team">The threads that share the work; null for the calling thread alone.</param>
    internal NewtonSchulz(IReadOnlyCollection<MatrixGroups> parameters, WorkerTeam? team)
    {
        _team = team;
        int numbers = parameters.Max(shape => shape.Length);
        int squares = parameters.Max(shape => checked(shape.Count * Small(shape) * Small(shape)));
        (_matrices, _next) = (AlignedMemory.Allocate(numbers), AlignedMemory.Allocate(numbers));
        (_square, _polynomial) = (AlignedMemory.Allocate(squares), AlignedMemory.Allocate(squares));
        int workspace = Gemm.WorkspaceLength(parameters.Max(shape => Math.Max(shape.Rows, shape.Columns)));
        _workspace = [.. Enumerable.Range(0, team?.Count ?? 1).Select(_ => AlignedMemory.Allocate(workspace))];
        (_fillRows, _normalize, _squareRows) = (FillRows, Normalize, SquareRows);
        (_polynomialRows, _multiplyRows, _takeRows) = (PolynomialRows, MultiplyRows, TakeRows);
    }

    /// <summary>Orthogonalises the matrices of a parameter.</summary>
    /// <param name="shape">The matrices.</param>
    /// <param name="fill">Writes a row to orthogonalise. Called once for each row, on any thread.</param>
    /// <param name="take">Reads a row of the result. Called once for each row, on any thread.</param>
    internal void Run(MatrixGroups shape, MatrixRow fill, MatrixRow take)
    {
        (_shape, _fill, _take) = (shape, fill, take);
        (_x, _y) = (_matrices, _next);
        RunJobs(JobsOf(shape.Rows), _fillRows);
        RunJobs(shape.Count, _normalize);
        for (int i = 0; i < Iterations; i++)
        {
            RunJobs(JobsOf(Small(shape)), _squareRows);
            RunJobs(JobsOf(Small(shape)), _polynomialRows);
            RunJobs(JobsOf(shape.Rows), _multiplyRows);
            (_x, _y) = (_y, _x);
        }

        RunJobs(JobsOf(shape.Rows), _takeRows);
    }

    private static int Small(MatrixGroups shape) => Math.Min(shape.Rows, shape.Columns);

    private bool IsWide => _shape.Rows <= _shape.Columns;

    private int JobsOf(int rows) => _shape.Count * JobsOfMatrix(rows);

    private static int JobsOfMatrix(int rows) => (rows + JobRows - 1) / JobRows;

    private static (int Matrix, int First, int Count) RowsOf(int job, int rows)
    {
        int first = job % JobsOfMatrix(rows) * JobRows;
        return (job / JobsOfMatrix(rows), first, Math.Min(JobRows, rows - first));
    }

    private void RunJobs(int jobs, Action<int, int> run)
    {
        if (_team is not null)
        {
            _team.Run(jobs, run);
            return;
        }

        for (int job = 0; job < jobs; job++)
        {
            run(job, 0);
        }
    }

    private Span<float> MatrixOf(Memory<float> all, int matrix) =>
        all.Span.Slice(matrix * _shape.Rows * _shape.Columns, _shape.Rows * _shape.Columns);

    private Span<float> SquareOf(Memory<float> all, int matrix) =>
        all.Span.Slice(matrix * Small(_shape) * Small(_shape), Small(_shape) * Small(_shape));

    private void FillRows(int job, int worker) => ForRows(job, _fill);

    private void TakeRows(int job, int worker) => ForRows(job, _take);

    private void ForRows(int job, MatrixRow run)
    {
        (int matrix, int first, int count) = RowsOf(job, _shape.Rows);
        Span<float> x = MatrixOf(_x, matrix);
        for (int row = first; row < first + count; row++)
        {
            run(_shape.StartOf((matrix * _shape.Rows) + row), x.Slice(row * _shape.Columns, _shape.Columns));
        }
    }

    private void Normalize(int matrix, int worker)
    {
        Span<float> x = MatrixOf(_x, matrix);

        // Scaled by the largest number first, so that no square overflows or vanishes.
        float largest = TensorPrimitives.MaxMagnitude(x);
        largest = Math.Abs(largest);
        if (largest > 0 && float.IsFinite(largest))
        {
            TensorPrimitives.Divide(x, largest, x);
        }

        TensorPrimitives.Multiply(x, (float)(1 / (Math.Sqrt(Reduction.SumOfSquares(x)) + Least)), x);
    }

    // S = X X', or X' X of a tall matrix.
    private void SquareRows(int job, int worker)
    {
        int small = Small(_shape), rows = _shape.Rows, columns = _shape.Columns;
        (int matrix, int first, int count) = RowsOf(job, small);
        ReadOnlySpan<float> x = MatrixOf(_x, matrix);
        Span<float> square = SquareOf(_square, matrix).Slice(first * small, count * small), workspace = _workspace[worker].Span;
        if (IsWide)
        {
            Gemm.Multiply(
                new(x[(first * columns)..], count, columns), new MatrixView(x, rows, columns).Transposed, square, small, false, workspace);
        }
        else
        {
            Gemm.Multiply(
                new MatrixView(x[first..], rows, count, columns).Transposed, new(x, rows, columns), square, small, false, workspace);
        }
    }

    // P = b S + c S².
    private void PolynomialRows(int job, int worker)
    {
        int small = Small(_shape);
        (int matrix, int first, int count) = RowsOf(job, small);
        ReadOnlySpan<float> square = SquareOf(_square, matrix), part = square.Slice(first * small, count * small);
        Span<float> polynomial = SquareOf(_polynomial, matrix).Slice(first * small, count * small);
        Gemm.Multiply(new(part, count, small), new(square, small, small), polynomial, small, false, _workspace[worker].Span);
        TensorPrimitives.Multiply(polynomial, C, polynomial);
        TensorPrimitives.MultiplyAdd(part, B, polynomial, polynomial);
    }

    // Y = a X + P X, or a X + X P of a tall matrix.
    private void MultiplyRows(int job, int worker)
    {
        int small = Small(_shape), rows = _shape.Rows, columns = _shape.Columns;
        (int matrix, int first, int count) = RowsOf(job, rows);
        ReadOnlySpan<float> x = MatrixOf(_x, matrix), part = x.Slice(first * columns, count * columns);
        ReadOnlySpan<float> polynomial = SquareOf(_polynomial, matrix);
        Span<float> y = MatrixOf(_y, matrix).Slice(first * columns, count * columns), workspace = _workspace[worker].Span;
        TensorPrimitives.Multiply(part, A, y);
        if (IsWide)
        {
            Gemm.Multiply(new(polynomial[(first * small)..], count, small), new(x, rows, columns), y, columns, true, workspace);
        }
        else
        {
            Gemm.Multiply(new(part, count, columns), new(polynomial, small, small), y, columns, true, workspace);
        }
    }
}
