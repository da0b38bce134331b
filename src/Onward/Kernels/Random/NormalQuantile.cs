using System.Runtime.CompilerServices;

namespace Onward.Kernels;

/// <summary>Computes two standard normals from each random word, by inversion of the distribution function.</summary>
/// <remarks>
/// <para>
/// The highest bit of a word is the sign of its normal, the other 31 bits M its upper tail M / 2^32, from 0 to 1/2. Of
/// M = 2^k m, m from 1 to 2, the normal is a polynomial of third degree in m, one for each k: minimax fits of the quantile to 1.9e-4,
/// scaled so that the variance is 1 within 1e-7; the kurtosis is 3 within 3e-5, the largest normal 6.36. The exponent of M as a float
/// finds the polynomial, so there is no logarithm, root or sine to take: 4 lookups and 3 multiply-adds a number, 5 cycles for 16 with
/// AVX-512, where <see cref="BoxMuller{TLanes, TVector}"/> takes 11 and twice the words.
/// </para>
/// <para>
/// The second normal is computed from the word with its halves exchanged. So the first 16 bits of each normal are its own, and the other
/// normal's bits only follow after them. Signs are independent, pairs fill the plane evenly at 2^32 points, and the correlation of a pair
/// is below 1e-8.
/// </para>
/// <para>Only exact and correctly rounded instructions are used, so every machine computes the same bits.</para>
/// </remarks>
internal static unsafe class NormalQuantile
{
    /// <summary>Words in a row; the two rows of normals that come of it are as long.</summary>
    internal const int RowLength = 16;

    private const uint SignBit = 0x80000000u;
    private const uint MagnitudeBits = 0x7FFFFFFFu;
    private const int MantissaLength = 23;
    private const int ExponentBias = 127;
    private const int Entries = 32;
    private const int Half = Entries / 2;
    private const int Terms = 4;

    // Coefficients of 1, m, m^2, m^3 for k = 0, 1 ... 30.
    private static readonly float[,] Octaves =
    {
        { 6.462382f, -0.32702282f, 0.11149325f, -0.01670856f },
        { 6.3567792f, -0.33246275f, 0.11330056f, -0.016977251f },
        { 6.2494779f, -0.33817909f, 0.11519711f, -0.017259099f },
        { 6.1403948f, -0.34419581f, 0.11719041f, -0.017555199f },
        { 6.0294399f, -0.35053991f, 0.11928887f, -0.01786678f },
        { 5.9165151f, -0.35724188f, 0.12150194f, -0.018195219f },
        { 5.8015141f, -0.3643363f, 0.1238403f, -0.018542074f },
        { 5.6843203f, -0.37186259f, 0.12631607f, -0.018909103f },
        { 5.5648062f, -0.37986586f, 0.12894303f, -0.019298312f },
        { 5.4428316f, -0.3883981f, 0.13173697f, -0.019711987f },
        { 5.3182419f, -0.39751947f, 0.13471603f, -0.020152759f },
        { 5.1908657f, -0.40730009f, 0.13790121f, -0.020623662f },
        { 5.0605126f, -0.41782222f, 0.14131695f, -0.021128221f },
        { 4.9269699f, -0.42918308f, 0.14499185f, -0.021670555f },
        { 4.7899988f, -0.4414985f, 0.14895963f, -0.02225551f },
        { 4.64933f, -0.45490772f, 0.15326034f, -0.022888828f },
        { 4.5046578f, -0.4695798f, 0.15794197f, -0.023577364f },
        { 4.3556335f, -0.48572221f, 0.16306242f, -0.024329376f },
        { 4.2018558f, -0.5035927f, 0.16869233f, -0.025154901f },
        { 4.0428606f, -0.52351592f, 0.17491865f, -0.026066252f },
        { 3.8781056f, -0.54590708f, 0.18184959f, -0.027078703f },
        { 3.7069527f, -0.57130663f, 0.18962125f, -0.028211399f },
        { 3.5286425f, -0.60043227f, 0.1984067f, -0.029488616f },
        { 3.3422632f, -0.6342593f, 0.20842797f, -0.030941468f },
        { 3.1467064f, -0.67414903f, 0.21997138f, -0.032610231f },
        { 2.9406101f, -0.72206165f, 0.23340376f, -0.034547408f },
        { 2.7222813f, -0.78092402f, 0.24917863f, -0.036821769f },
        { 2.4895961f, -0.85529509f, 0.26778815f, -0.039525437f },
        { 2.2398837f, -0.95264523f, 0.28951386f, -0.042809209f },
        { 1.9700085f, -1.0864155f, 0.31385461f, -0.04728631f },
        { 1.6851803f, -1.3041359f, 0.35580493f, -0.062537607f },
    };

    // [term, k's place], of M instead of m. A lookup reads five bits of a float's exponent.
    private static readonly float[] Table = CreateTable();

    /// <summary>Turns rows of words into twice as many rows of normals: of the words, and of the words with halves exchanged.</summary>
    /// <param name="words">Words [rows, 16]; may be the second half of <paramref name="normals"/>.</param>
    /// <param name="normals">Receives the normals [2 rows, 16].</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Expand<TLanes, TVector>(ReadOnlySpan<uint> words, Span<float> normals)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct
    {
        int rows = words.Length / RowLength;
        ArgumentOutOfRangeException.ThrowIfLessThan(normals.Length, 2 * rows * RowLength);
        fixed (uint* firstWord = words)
        fixed (float* table = Table, firstNormal = normals)
        {
            uint* source = firstWord;
            float* target = firstNormal;

            // As much of the table as fits into two vectors for each term.
            uint* entries = (uint*)table;
            TVector low0 = TLanes.Load(entries), high0 = TLanes.Load(entries + Half);
            TVector low1 = TLanes.Load(entries + Entries), high1 = TLanes.Load(entries + Entries + Half);
            TVector low2 = TLanes.Load(entries + (2 * Entries)), high2 = TLanes.Load(entries + (2 * Entries) + Half);
            TVector low3 = TLanes.Load(entries + (3 * Entries)), high3 = TLanes.Load(entries + (3 * Entries) + Half);
            TVector sign = TLanes.Broadcast(SignBit), magnitude = TLanes.Broadcast(MagnitudeBits);
            for (int row = 0; row < rows; row++, source += RowLength, target += 2 * RowLength)
            {
                for (int lane = 0; lane < RowLength; lane += TLanes.Count)
                {
                    TVector first = TLanes.Load(source + lane), second = TLanes.ExchangeHalves(first);
                    TVector tail1 = TLanes.ToFloat(TLanes.And(first, magnitude)), tail2 = TLanes.ToFloat(TLanes.And(second, magnitude));
                    TVector place1 = TLanes.ShiftRight(tail1, MantissaLength), place2 = TLanes.ShiftRight(tail2, MantissaLength);
                    TVector normal1 = TLanes.Lookup(
                        table + (3 * Entries), low3, high3, place1), normal2 = TLanes.Lookup(table + (3 * Entries), low3, high3, place2);
                    normal1 = TLanes.MultiplyAddFloat(normal1, tail1, TLanes.Lookup(table + (2 * Entries), low2, high2, place1));
                    normal2 = TLanes.MultiplyAddFloat(normal2, tail2, TLanes.Lookup(table + (2 * Entries), low2, high2, place2));
                    normal1 = TLanes.MultiplyAddFloat(normal1, tail1, TLanes.Lookup(table + Entries, low1, high1, place1));
                    normal2 = TLanes.MultiplyAddFloat(normal2, tail2, TLanes.Lookup(table + Entries, low1, high1, place2));
                    normal1 = TLanes.MultiplyAddFloat(normal1, tail1, TLanes.Lookup(table, low0, high0, place1));
                    normal2 = TLanes.MultiplyAddFloat(normal2, tail2, TLanes.Lookup(table, low0, high0, place2));
                    TLanes.Store(TLanes.Xor(normal1, TLanes.And(first, sign)), (uint*)target + lane);
                    TLanes.Store(TLanes.Xor(normal2, TLanes.And(second, sign)), (uint*)target + lane + RowLength);
                }
            }
        }
    }

    // M = 0 reads the polynomial of k = 1 at 0. The largest M round to the float 2^31, and read the polynomial of k = 30.
    private static float[] CreateTable()
    {
        var table = new float[Terms * Entries];
        for (int k = 0; k < Entries; k++)
        {
            int octave = Math.Min(k, Octaves.GetLength(0) - 1);
            for (int term = 0; term < Terms; term++)
            {
                table[(term * Entries) + ((k + ExponentBias) % Entries)] = MathF.ScaleB(Octaves[octave, term], -octave * term);
            }
        }

        return table;
    }
}
