using Onward.Kernels;
using Onward.Optimizers;
using Onward.Threads;

namespace Onward.Tests.Optimizers;

public sealed class NewtonSchulzTests
{
    // Square, wide, tall and of one row or column; several matrices; columns of a wider array; more rows than a job has.
    public static TheoryData<int, int, int, int, int> Shapes => new()
    {
        { 1, 24, 24, 0, 24 },
        { 1, 7, 40, 0, 40 },
        { 1, 40, 7, 0, 7 },
        { 1, 1, 9, 0, 9 },
        { 1, 9, 1, 0, 1 },
        { 3, 5, 8, 40, 8 },
        { 2, 12, 5, 5, 10 },
        { 1, 200, 17, 0, 17 },
        { 1, 17, 200, 0, 200 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Iterations_meet_those_in_float64(int count, int rows, int columns, int step, int stride)
    {
        MatrixGroups shape = new(count, rows, columns, step, stride);
        float[] array = Numbers.Uniform(3, shape.StartOf((count * rows) - 1) + columns);
        float[] expected = [.. Orthogonalize(shape, array, null)];
        using WorkerTeam team = new(3);

        float[] shared = Orthogonalize(shape, array, team);

        Tolerance.Same(expected, shared, "threads");
        for (int matrix = 0; matrix < count; matrix++)
        {
            double[,] x = Iterate(Read(shape, array, matrix));
            Tolerance.Near(Flat(x), Flat(Read(shape, expected, matrix)), Tolerance.Network, $"matrix {matrix}");
        }
    }

    [Theory]
    [InlineData(24, 24)]
    [InlineData(16, 48)]
    [InlineData(48, 16)]
    public void Singular_values_come_near_1(int rows, int columns)
    {
        MatrixGroups shape = MatrixGroups.Of([rows, columns]);

        double[] values = SingularValues(Read(shape, Orthogonalize(shape, Numbers.Uniform(5, rows * columns), null), 0));

        // A random square matrix has a few singular values below a hundredth of its norm, which come out lower.
        Assert.InRange(values.Max(), 0.9, 1.3);
        Assert.InRange(values.Order().Skip(rows == columns ? 3 : 0).First(), 0.6, 1);
    }

    [Theory]
    [InlineData(1e-30f)]
    [InlineData(1e30f)]
    public void The_scale_of_a_matrix_does_not_matter(float scale)
    {
        MatrixGroups shape = MatrixGroups.Of([6, 10]);
        float[] matrix = Numbers.Uniform(7, 60), scaled = [.. matrix.Select(number => number * scale)];

        Tolerance.Near(
            Orthogonalize(shape, matrix, null), Orthogonalize(shape, scaled, null), Tolerance.Network, "the same orthogonal matrix");
    }

    [Fact]
    public void A_matrix_of_0_stays_0()
    {
        MatrixGroups shape = MatrixGroups.Of([6, 10]);

        Assert.All(Orthogonalize(shape, new float[60], null), number => Assert.Equal(0, number));
    }

    private static float[] Orthogonalize(MatrixGroups shape, float[] array, WorkerTeam? team)
    {
        float[] result = new float[array.Length];
        NewtonSchulz iterations = new([shape], team);
        for (int i = 0; i < 2; i++)
        {
            // A second run leaves no trace of the first.
            iterations.Run(
                shape,
                (start, row) => array.AsSpan(start, row.Length).CopyTo(row),
                (start, row) => row.CopyTo(result.AsSpan(start)));
        }

        return result;
    }

    private static double[,] Read(MatrixGroups shape, float[] array, int matrix)
    {
        double[,] x = new double[shape.Rows, shape.Columns];
        for (int i = 0; i < shape.Rows; i++)
        {
            for (int j = 0; j < shape.Columns; j++)
            {
                x[i, j] = array[(matrix * shape.Step) + (i * shape.Stride) + j];
            }
        }

        return x;
    }

    private static double[] Flat(double[,] x) => [.. x.Cast<double>()];

    // The published coefficients, applied from the left to the matrix as it is.
    private static double[,] Iterate(double[,] x)
    {
        double norm = Math.Sqrt(Flat(x).Sum(number => number * number));
        x = Combine(x, 1 / norm, x, 0);
        for (int i = 0; i < 5; i++)
        {
            double[,] square = Multiply(x, Transpose(x));
            x = Combine(x, 3.4445, Multiply(Combine(square, -4.7750, Multiply(square, square), 2.0315), x), 1);
        }

        return x;
    }

    private static double[,] Combine(double[,] x, double a, double[,] y, double b)
    {
        double[,] sum = new double[x.GetLength(0), x.GetLength(1)];
        for (int i = 0; i < sum.GetLength(0); i++)
        {
            for (int j = 0; j < sum.GetLength(1); j++)
            {
                sum[i, j] = (a * x[i, j]) + (b * y[i, j]);
            }
        }

        return sum;
    }

    private static double[,] Multiply(double[,] x, double[,] y)
    {
        double[,] product = new double[x.GetLength(0), y.GetLength(1)];
        for (int i = 0; i < product.GetLength(0); i++)
        {
            for (int j = 0; j < product.GetLength(1); j++)
            {
                for (int k = 0; k < x.GetLength(1); k++)
                {
                    product[i, j] += x[i, k] * y[k, j];
                }
            }
        }

        return product;
    }

    private static double[,] Transpose(double[,] x)
    {
        double[,] turned = new double[x.GetLength(1), x.GetLength(0)];
        for (int i = 0; i < turned.GetLength(0); i++)
        {
            for (int j = 0; j < turned.GetLength(1); j++)
            {
                turned[i, j] = x[j, i];
            }
        }

        return turned;
    }

    // One-sided Jacobi rotations make the rows orthogonal; their norms are the singular values.
    private static double[] SingularValues(double[,] x)
    {
        x = x.GetLength(0) <= x.GetLength(1) ? x : Transpose(x);
        int rows = x.GetLength(0), columns = x.GetLength(1);
        for (int sweep = 0; sweep < 30; sweep++)
        {
            for (int p = 0; p < rows; p++)
            {
                for (int q = p + 1; q < rows; q++)
                {
                    Rotate(p, q);
                }
            }
        }

        return [.. Enumerable.Range(0, rows).Select(p => Math.Sqrt(Inner(p, p)))];

        double Inner(int p, int q) => Enumerable.Range(0, columns).Sum(j => x[p, j] * x[q, j]);

        void Rotate(int p, int q)
        {
            double angle = 0.5 * Math.Atan2(2 * Inner(p, q), Inner(p, p) - Inner(q, q)), cos = Math.Cos(angle), sin = Math.Sin(angle);
            for (int j = 0; j < columns; j++)
            {
                (x[p, j], x[q, j]) = ((cos * x[p, j]) + (sin * x[q, j]), (cos * x[q, j]) - (sin * x[p, j]));
            }
        }
    }
}
