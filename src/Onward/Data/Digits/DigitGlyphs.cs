using System.Numerics;

namespace Onward.Data;

/// <summary>
/// The skeletons of the ten digits: several writing styles for each, as pen strokes in the unit square. The y axis points down.
/// </summary>
/// <remarks>
/// Control points are written in hundredths, x before y, in the order in which they are drawn. A <c>Curve</c> passes smoothly
/// through its points (Catmull-Rom spline). A <c>Line</c> has a corner at each of them.
/// </remarks>
internal static class DigitGlyphs
{
    /// <summary>Longest straight piece of a sampled stroke, short enough to bend with the elastic displacement.</summary>
    private const float PieceLength = 0.1f;

    /// <summary>
    /// Styles of each digit. A style is a list of strokes, and a stroke is a list of closely spaced points. [digit, style,
    /// stroke, point]
    /// </summary>
    public static readonly Vector2[][][][] Styles =
    [
        [
            [Curve(54, 2, 34, 8, 22, 30, 20, 56, 28, 86, 50, 100, 72, 86, 80, 54, 74, 20, 56, 2, 44, 3)],
            [Curve(60, 3, 40, 6, 28, 32, 28, 66, 40, 96, 58, 97, 71, 66, 71, 30, 62, 6, 46, 2)],
            [Curve(68, 12, 46, 0, 26, 18, 18, 52, 30, 90, 56, 98, 78, 72, 78, 34, 62, 8, 44, 10)],
        ],
        [
            [Line(50, 0, 50, 100)],
            [Line(30, 24, 53, 0, 53, 100)],
            [Line(32, 20, 52, 0, 52, 100), Line(28, 100, 76, 100)],
            [Curve(54, 0, 52, 50, 46, 100)],
        ],
        [
            [Curve(23, 26, 34, 5, 56, 0, 75, 16, 71, 42, 50, 70, 21, 99), Curve(21, 99, 50, 96, 82, 99)],
            [Curve(24, 22, 42, 1, 68, 8, 73, 34, 54, 68, 32, 93, 18, 92, 22, 78, 40, 81, 60, 97, 84, 90)],
            [Curve(20, 14, 44, 3, 66, 6, 72, 24, 58, 54, 22, 98), Line(22, 98, 80, 97)],
        ],
        [
            [Curve(23, 14, 44, 0, 68, 8, 70, 30, 44, 46), Curve(44, 46, 72, 54, 79, 76, 56, 99, 20, 88)],
            [Line(22, 4, 74, 4, 46, 40), Curve(46, 40, 76, 50, 80, 78, 54, 100, 20, 90)],
            [Curve(24, 12, 48, 0, 70, 16, 60, 38, 40, 47, 36, 42, 50, 42, 76, 58, 74, 86, 48, 100, 20, 88)],
        ],
        [
            [Line(28, 4, 21, 56, 84, 53), Line(66, 10, 62, 100)],
            [Line(64, 0, 16, 66, 88, 64), Line(64, 0, 62, 100)],
            [Curve(25, 2, 21, 34, 32, 54, 52, 54, 72, 40), Curve(75, 2, 72, 44, 64, 100)],
            [Line(40, 2, 16, 62, 84, 62), Line(58, 34, 54, 100)],
        ],
        [
            [Line(76, 2, 31, 2, 26, 44), Curve(26, 44, 50, 35, 76, 50, 77, 78, 54, 100, 20, 90)],
            [Curve(78, 4, 52, 2, 34, 8, 28, 40, 54, 38, 78, 60, 68, 92, 42, 100, 18, 88)],
            [Line(34, 8, 29, 46), Curve(29, 46, 58, 40, 77, 62, 66, 94, 40, 100, 18, 90), Curve(34, 8, 58, 9, 84, 2)],
        ],
        [
            [Curve(66, 0, 42, 20, 25, 52, 26, 84, 50, 100, 74, 84, 72, 60, 50, 49, 26, 66)],
            [Curve(40, 0, 27, 40, 24, 80, 46, 100, 72, 90, 75, 66, 54, 54, 26, 76)],
            [Curve(75, 12, 58, 0, 36, 14, 22, 50, 28, 88, 52, 100, 77, 82, 70, 57, 46, 50, 24, 68)],
        ],
        [
            [Line(18, 6, 80, 4), Curve(80, 4, 58, 46, 44, 100)],
            [Line(18, 6, 80, 4), Curve(80, 4, 58, 46, 44, 100), Line(32, 53, 76, 50)],
            [Line(19, 24, 21, 5, 80, 4, 42, 100)],
            [Curve(18, 12, 32, 3, 54, 7, 80, 3), Curve(80, 3, 62, 40, 52, 70, 50, 100)],
        ],
        [
            [Curve(73, 16, 50, 0, 28, 14, 34, 38, 62, 58, 77, 80, 50, 100, 23, 80, 38, 58, 64, 38, 73, 16)],
            [Curve(50, 0, 29, 12, 31, 38, 50, 47, 69, 38, 71, 12, 50, 0), Curve(50, 47, 24, 62, 24, 88, 50, 100, 76, 88, 76, 62, 50, 47)],
            [Curve(79, 10, 54, 2, 30, 16, 40, 40, 66, 60, 74, 84, 50, 100, 26, 84, 34, 60, 60, 40, 80, 16)],
        ],
        [
            [Curve(73, 22, 54, 2, 32, 8, 24, 30, 42, 47, 64, 40, 75, 16), Curve(75, 16, 74, 54, 66, 100)],
            [Curve(74, 20, 52, 1, 28, 12, 28, 38, 52, 47, 74, 22), Curve(74, 22, 77, 62, 66, 92, 44, 100, 25, 90)],
            [Curve(60, 2, 34, 6, 26, 30, 44, 46, 66, 36, 68, 10, 56, 2), Line(69, 8, 64, 100)],
        ],
    ];

    private static Vector2[] Line(params ReadOnlySpan<byte> hundredths)
    {
        Vector2[] corners = ToPoints(hundredths);
        var points = new List<Vector2> { corners[0] };
        for (int i = 1; i < corners.Length; i++)
        {
            int pieces = PieceCount(corners[i - 1], corners[i]);
            for (int k = 1; k <= pieces; k++)
            {
                points.Add(Between(corners[i - 1], corners[i], (float)k / pieces));
            }
        }

        return [.. points];
    }

    // Vector2.Lerp rounds once or twice, as the processor prefers.
    private static Vector2 Between(Vector2 from, Vector2 to, float t) =>
        new(MathF.FusedMultiplyAdd(from.X, 1 - t, to.X * t), MathF.FusedMultiplyAdd(from.Y, 1 - t, to.Y * t));

    private static Vector2[] Curve(params ReadOnlySpan<byte> hundredths)
    {
        Vector2[] knots = ToPoints(hundredths);
        var points = new List<Vector2> { knots[0] };
        for (int i = 1; i < knots.Length; i++)
        {
            Vector2 from = knots[i - 1];
            Vector2 to = knots[i];
            Vector2 leaving = 0.5f * (to - knots[Math.Max(i - 2, 0)]);
            Vector2 arriving = 0.5f * (knots[Math.Min(i + 1, knots.Length - 1)] - from);
            int pieces = PieceCount(from, to);
            for (int k = 1; k <= pieces; k++)
            {
                points.Add(Hermite(from, leaving, to, arriving, (float)k / pieces));
            }
        }

        return [.. points];
    }

    private static Vector2 Hermite(Vector2 from, Vector2 leaving, Vector2 to, Vector2 arriving, float t)
    {
        float t2 = t * t;
        float t3 = t2 * t;
        return (((2 * t3) - (3 * t2) + 1) * from) + ((t3 - (2 * t2) + t) * leaving)
            + (((3 * t2) - (2 * t3)) * to) + ((t3 - t2) * arriving);
    }

    private static int PieceCount(Vector2 from, Vector2 to) =>
        Math.Max(2, (int)MathF.Ceiling(Vector2.Distance(from, to) / PieceLength));

    private static Vector2[] ToPoints(ReadOnlySpan<byte> hundredths)
    {
        var points = new Vector2[hundredths.Length / 2];
        for (int i = 0; i < points.Length; i++)
        {
            points[i] = new Vector2(hundredths[2 * i], hundredths[(2 * i) + 1]) / 100;
        }

        return points;
    }
}
