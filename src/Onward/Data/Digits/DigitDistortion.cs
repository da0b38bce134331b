using System.Numerics;
using Onward.Kernels;

namespace Onward.Data;

/// <summary>The handwriting of one writer: maps points of a skeleton in the unit square to pixel positions and pen pressures.</summary>
/// <remarks>
/// The map is an elastic displacement followed by an affine map (scale, shear, rotation, translation). The displacement is a
/// quadratic B-spline surface through random vectors. The pressure is a third component of the same surface.
/// </remarks>
internal sealed class DigitDistortion
{
    private const int Cells = 3;
    private const int Knots = Cells + 2;
    private const float Elasticity = 0.17f;
    private const float PressureRange = 0.45f;

    /// <summary>Height of an undistorted digit in pixels.</summary>
    private const float Height = 19;

    private readonly Vector3[] _knots = new Vector3[Knots * Knots];
    private readonly Vector2 _xAxis;
    private readonly Vector2 _yAxis;
    private readonly Vector2 _center;

    /// <summary>Draws a random handwriting.</summary>
    public DigitDistortion(CounterSequence random)
    {
        for (int i = 0; i < _knots.Length; i++)
        {
            _knots[i] = new Vector3(
                random.NextSingle(-Elasticity, Elasticity),
                random.NextSingle(-Elasticity, Elasticity),
                random.NextSingle(-PressureRange, PressureRange));
        }

        (float sine, float cosine) = SinCos(random.NextSingle(-0.26f, 0.26f));
        float width = Height * random.NextSingle(0.65f, 1.1f);
        float height = Height * random.NextSingle(0.8f, 1.12f);
        float shear = random.NextSingle(-0.25f, 0.4f);
        _xAxis = width * new Vector2(cosine, sine);
        _yAxis = height * new Vector2(-sine - (shear * cosine), cosine - (shear * sine));
        _center = new Vector2(14 + random.NextSingle(-1.2f, 1.2f), 14 + random.NextSingle(-1.2f, 1.2f));
    }

    /// <summary>Maps a point of a skeleton to a position (x, y) in pixels and a pressure around 1.</summary>
    public Vector3 Apply(Vector2 point)
    {
        Vector3 elastic = Interpolate(point);
        float x = point.X + elastic.X - 0.5f;
        float y = point.Y + elastic.Y - 0.5f;
        return new Vector3(_center + (x * _xAxis) + (y * _yAxis), 1 + elastic.Z);
    }

    // One definition, because the functions of C libraries differ in the last bit. Its coefficients are those of glibc's sincosf (from
    // Arm's optimized routines), with which version 0.1 drew its digits on Linux. All angles have the same results.
    private static (float Sine, float Cosine) SinCos(double angle)
    {
        double square = angle * angle, cube = square * angle, fourth = square * square;
        double sine = angle + (cube * -0.16666654943701084)
            + (cube * square * (0.008332178146138854 + (square * -0.00019517298981385725)));
        double cosine = 1 + (square * -0.49999999725108224) + (fourth * 0.041666623324344516)
            + (fourth * square * (-0.001388676379437604 + (square * 2.4390450703564542E-05)));
        return ((float)sine, (float)cosine);
    }

    private Vector3 Interpolate(Vector2 point)
    {
        int column = CellOf(point.X);
        int row = CellOf(point.Y);
        Vector3 across = Weights((point.X * Cells) - column);
        Vector3 down = Weights((point.Y * Cells) - row);
        int start = (row * Knots) + column;
        return (down.X * Row(start, across)) + (down.Y * Row(start + Knots, across)) + (down.Z * Row(start + (2 * Knots), across));
    }

    private Vector3 Row(int start, Vector3 weights) =>
        (weights.X * _knots[start]) + (weights.Y * _knots[start + 1]) + (weights.Z * _knots[start + 2]);

    private static int CellOf(float coordinate) => Math.Clamp((int)(coordinate * Cells), 0, Cells - 1);

    private static Vector3 Weights(float t) =>
        new(0.5f * (1 - t) * (1 - t), 0.75f - ((t - 0.5f) * (t - 0.5f)), 0.5f * t * t);
}
